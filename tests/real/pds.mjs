// A real Bluesky personal data server on loopback. Prints one line of JSON when it is ready, and ends when stdin closes.
import { createRequire } from 'node:module'

const { TestPds, TestPlc } = createRequire(import.meta.url)('@atproto/dev-env')

const plc = await TestPlc.create({})
const pds = await TestPds.create({ didPlcUrl: plc.url })
console.log(JSON.stringify({ url: pds.url }))

process.stdin.on('end', async () => {
  await pds.close()
  await plc.close()
  process.exit(0)
})
process.stdin.resume()
