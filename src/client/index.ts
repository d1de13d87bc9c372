/**
 * The typed client of the API, used by every surface (cli, tui, web's tests, mcp): HTTP and WebSocket over the supervisor's
 * unix socket. It starts no process: where a supervisor must be started, the caller lends the function that does it.
 */
export type { Agent } from '../api/wire-agent.ts';
export { connect, type ConnectOptions } from './connect.ts';
export type { Client, EventStream, EventStreamOptions, SendResult, WaitOptions, WaitTarget } from './types.ts';
export { WAIT_TARGETS } from './types.ts';
