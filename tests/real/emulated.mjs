// A stateful Slack Web API or Twilio API, as the first argument says. Prints one line of JSON when it is ready, and ends
// when stdin closes.
import { createServer } from 'node:net'
import { createEmulator } from 'emulate'

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
const service = process.argv[2]
const seed = {
  slack: { users: [{ name: 'ana', real_name: 'Ana', email: 'ana@example.com' }] },
  twilio: {},
}
const emulator = await createEmulator({ service, port, seed: { [service]: seed[service] } })
console.log(JSON.stringify({ url: emulator.url }))

process.stdin.on('end', async () => {
  await emulator.close()
  process.exit(0)
})
process.stdin.resume()
