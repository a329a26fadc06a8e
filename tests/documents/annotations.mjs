// Annotations as the runner of GitHub Actions reads them, and as its own toolkit would have written them.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [base, modules] = process.argv.slice(2)
const { issueCommand } = await import(pathToFileURL(`${modules}/@actions/core/lib/command.js`))
const { findings } = JSON.parse(readFileSync(`${base}.json`, 'utf8'))
const written = readFileSync(`${base}.github`, 'utf8')

// Line ends are the toolkit's to escape; other control characters are written by their names, for whoever reads the log.
const hidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g
const visible = text => text.replace(hidden, c => `<U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}>`)

let expected = ''
const write = process.stdout.write
process.stdout.write = text => { expected += text; return true }
for (const { file, line, column, code, severity, message, help } of findings) {
  issueCommand(severity, { file: visible(file), line: `${line}`, col: `${column}`, title: code }, visible(`${message}; ${help}`))
}
process.stdout.write = write
if (written !== expected) {
  const at = written.split('\n').findIndex((line, index) => line !== expected.split('\n')[index])
  console.error(`${base}: the toolkit writes\n${expected.split('\n')[at]}\nand we write\n${written.split('\n')[at]}`)
  process.exit(1)
}

// The runner's rules (ActionCommand.cs): `::name key=value,...::data` at the beginning of a line; values and data unescaped.
const unescape = (text, marks) => marks.reduce((text, [mark, c]) => text.replaceAll(mark, c), text)
const data = [['%0D', '\r'], ['%0A', '\n'], ['%25', '%']]
const property = [['%0D', '\r'], ['%0A', '\n'], ['%3A', ':'], ['%2C', ','], ['%25', '%']]
const read = written.split('\n').filter(line => line).map(line => {
  const [, name, rest] = /^::([a-z]+) (.*)$/.exec(line)
  const end = rest.indexOf('::')
  const pairs = rest.slice(0, end).split(',').map(pair => [pair.slice(0, pair.indexOf('=')), unescape(pair.slice(pair.indexOf('=') + 1), property)])
  return { name, ...Object.fromEntries(pairs), text: unescape(rest.slice(end + 2), data) }
})
findings.forEach(({ file, line, column, code, severity, message, help }, at) => {
  const wanted = { name: severity, file: visible(file), line: `${line}`, col: `${column}`, title: code, text: visible(`${message}; ${help}`) }
  if (JSON.stringify(read[at]) !== JSON.stringify(wanted)) {
    console.error(`${base}: the runner reads\n${JSON.stringify(read[at])}\nfor\n${JSON.stringify(wanted)}`)
    process.exit(1)
  }
})
if (read.length !== findings.length) throw new Error(`${read.length} commands for ${findings.length} findings`)
console.log(`${base.split('/').pop()}: ${read.length} annotations, as the toolkit writes and the runner reads them`)
