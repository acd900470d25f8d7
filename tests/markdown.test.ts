import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const maxLine = 200
const maxCell = 300

describe('every Markdown file', () => {
  const paths = globSync('**/*.md', { exclude: ['node_modules', '.local'] })
  const read = (path: string) => readFileSync(path, 'utf8')

  it(`has lines of ${maxLine} characters at most, and table cells of ${maxCell}`, () => {
    assert.ok(paths.length > 20)
    assert.deepEqual(
      paths.flatMap((path) => tooLong(path, read(path))),
      [],
    )
  })

  it('links only to files and headings that exist', () => {
    assert.deepEqual(
      paths.flatMap((path) => brokenLinks(path, read(path), read)),
      [],
    )
  })

  it('shows only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const unknown = paths.flatMap((path) =>
      [...read(path).matchAll(/npm run (?:--silent )?([a-z][a-z0-9:-]*)/g)]
        .filter(([, name = '']) => !(name in scripts))
        .map(([command]) => `${path}: ${command}`),
    )
    assert.deepEqual(unknown, [])
  })
})

describe('the check of Markdown', () => {
  const long = (length: number) => 'x'.repeat(length)

  it('names file and line of a line that is too long, also in code and with a link', () => {
    const link = `[text](https://example.com/${long(maxLine)})`
    assert.deepEqual(tooLong('a.md', ['fine', long(maxLine + 1), link].join('\n')), [
      'a.md:2: a line of 201 characters',
      `a.md:3: a line of ${link.length} characters`,
    ])
    assert.equal(tooLong('a.md', `\`\`\`\n| ${long(maxLine)} |\n\`\`\``).length, 1)
  })

  it('names file and line of a table cell that is too long', () => {
    const row = (length: number) => `| ${long(250)} | ${long(length)} |`
    assert.deepEqual(tooLong('a.md', [row(maxCell), row(maxCell + 1)].join('\n')), [
      'a.md:2: a table cell of 301 characters',
    ])
  })

  it('names a link to a file or a heading that does not exist, of either style', () => {
    const text =
      '# A `b` (c)\n[here](#a-b-c) [no](#a-b)\n[file]: b.md#d\n[x](c.md) [y](https://d.md)'
    const read = (path: string) => {
      assert.equal(path, 'docs/b.md')
      return '## D'
    }
    const exists = (path: string) => path === 'docs/b.md'
    assert.deepEqual(brokenLinks('docs/a.md', text, read, exists), [
      'docs/a.md: #a-b',
      'docs/a.md: c.md',
    ])
  })
})

/**
 * What is longer than allowed. A line of a table counts by its cells, a line of code as any other.
 */
function tooLong(path: string, text: string): string[] {
  let isCode = false
  return text.split('\n').flatMap((line, index) => {
    if (line.trimStart().startsWith('```')) isCode = !isCode
    const isRow = !isCode && line.trimStart().startsWith('|')
    const cells = isRow ? line.split(/(?<!\\)\|/).map((cell) => cell.trim()) : []
    const lengths = isRow ? cells.map(({ length }) => length) : [line.length]
    return lengths
      .filter((length) => length > (isRow ? maxCell : maxLine))
      .map(
        (length) =>
          `${path}:${index + 1}: a ${isRow ? 'table cell' : 'line'} of ${length} characters`,
      )
  })
}

const isFile = (path: string) => globSync(path).length > 0

/** Relative links that lead nowhere. */
function brokenLinks(
  path: string,
  text: string,
  read: (path: string) => string,
  exists = isFile,
): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/gm)].map(
    ([, inline, reference]) => inline ?? reference ?? '',
  )
  const broken = links.filter((link) => {
    if (/^(https?|mailto):/.test(link)) return false
    const [file = '', heading] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    if (file !== '' && !exists(target)) return true
    const page = file === '' ? text : heading === undefined ? '' : read(target)
    return heading !== undefined && !anchorsOf(page).includes(heading)
  })
  return broken.map((link) => `${path}: ${link}`)
}

/** The names that GitHub gives to the headings of a page. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
