// A stateful Slack Web API. Prints one line of JSON when it is ready, and ends when stdin closes.
import { createServer } from 'node:net'
import { createEmulator } from 'emulate'

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})
const slack = await createEmulator({
  service: 'slack',
  port,
  seed: { slack: { users: [{ name: 'ana', real_name: 'Ana', email: 'ana@example.com' }] } },
})
console.log(JSON.stringify({ url: slack.url }))

process.stdin.on('end', async () => {
  await slack.close()
  process.exit(0)
})
process.stdin.resume()
