import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The addresses behind each name that Docker's DNS would have: `127.0.0.1:18101`. */
export type Targets = Record<string, string[]>

const block = /^( *)(- )?dns_sd_configs:\n((?:\1 {2}.*\n)+)/gm

/**
 * Writes the configuration that containers use into a folder, with files in place of Docker's DNS,
 * and returns its path. Everything else of it stays as it is.
 */
export function writeConfig(dir: string, targets: Targets): string {
  const text = readFileSync('observability/prometheus.yml', 'utf8')
  const replaced = text.replace(block, (_, indent, dash = '', lines: string) => {
    const names = /names:\s*\[([^\]]+)\]/.exec(lines)?.[1]?.match(/[\w-]+/g)
    if (!names?.every((name) => name in targets)) throw new Error(`Not known here: ${lines}`)
    const file = join(dir, `${names[0]}.json`)
    const groups = names.map((name) => ({
      targets: targets[name],
      labels: { __meta_dns_name: name },
    }))
    writeFileSync(file, JSON.stringify(groups))
    return `${indent}${dash}file_sd_configs:\n${indent}    - { files: [${file}], refresh_interval: 5s }\n`
  })
  writeFileSync(join(dir, 'alerts.yml'), readFileSync('observability/alerts.yml'))
  writeFileSync(join(dir, 'prometheus.yml'), replaced)
  return join(dir, 'prometheus.yml')
}
