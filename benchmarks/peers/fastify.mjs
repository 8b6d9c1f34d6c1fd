// What a Node user would put in front of a function: @fastify/http-proxy. Arguments: port, upstream.
import { createRequire } from 'node:module'
const require = createRequire(process.env.PEER_MODULES + '/')
const [port, upstream] = process.argv.slice(2)
const server = require('fastify')()
server.register(require('@fastify/http-proxy'), { upstream })
await server.listen({ port: Number(port), host: '127.0.0.1' })
