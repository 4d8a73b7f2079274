// One visit of tuf-js to a mirror, as a process: refresh, find a target, download it.
// node client.mjs FOLDER BASE TARGET TIME: FOLDER/metadata holds what is trusted and, later, what was seen; TIME is ISO.
// Says one line of JSON: {"path"} of the file, or {"refused", "why"}; whatever else happens is a crash.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Updater } from 'tuf-js'

const [folder, base, target, time] = process.argv.slice(2)
const now = Date.parse(time)
if (Number.isNaN(now)) throw new Error(`no time: ${time}`)

globalThis.Date = class extends Date {
  constructor(...given) {
    super(...(given.length ? given : [now]))
  }

  static now() {
    return now
  }
}

const targetDir = join(folder, 'targets')
mkdirSync(targetDir, { recursive: true })
const updater = new Updater({
  metadataDir: join(folder, 'metadata'),
  metadataBaseUrl: `${base}tuf/`,
  targetDir,
  targetBaseUrl: base,
})

async function visit() {
  try {
    await updater.refresh()
    const info = await updater.getTargetInfo(target)
    if (!info) return { refused: 'NotFound', why: target }
    return { path: await updater.downloadTarget(info) }
  } catch (error) {
    return { refused: error.constructor.name, why: error.message }
  }
}

console.log(JSON.stringify(await visit()))
