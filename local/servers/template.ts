/**
 * Replaces `${NAME}` of each variable, as envsubst does with a list of names. All other text stays,
 * such as nginx's own `$host` and `${host}`.
 */
export function renderTemplate(template: string, variables: Record<string, string>): string {
  return template.replaceAll(/\$\{([A-Z][A-Z0-9_]*)\}/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? String(variables[name]) : whole,
  )
}
