// A certified OpenID Connect provider (oidc-provider) on loopback, with one client and the people named as arguments, each
// signed in with a form. Prints one line of JSON when it is ready, and ends when stdin closes.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const [redirect, ...people] = process.argv.slice(2)
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(url, {
  clients: [{ client_id: 'fireline', client_secret: 'a-secret-of-the-test', redirect_uris: [redirect] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: people.includes(id) }),
  }),
})
server.on('request', provider.callback())
console.log(JSON.stringify({ url }))

process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
