/**
 * Replaces `${NAME}` for the given names, as envsubst does with a list of names: everything else,
 * nginx's own `$host` and `${host}` included, stays as it is.
 */
export function renderTemplate(template: string, variables: Record<string, string>): string {
  return template.replaceAll(/\$\{([A-Z][A-Z0-9_]*)\}/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? String(variables[name]) : whole,
  )
}
