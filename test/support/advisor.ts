/** A model of layer 2 for tests: a Messages API on 127.0.0.1 that answers what the test says, and keeps what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedOf {
  headers: IncomingMessage['headers'];
  /** The request's body as text, and its one user message. */
  body: string;
  user: string;
}

/** `verdict` = the arguments of one verdict; `body` = the whole answer as it is; `hang` = never a byte. */
export type Says = { verdict: object } | { body: string; status?: number } | 'hang';

export interface Advisor {
  readonly url: string;
  readonly asked: AskedOf[];
  says: Says;
  close(): Promise<void>;
}

const USAGE = { input_tokens: 700, output_tokens: 40, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };

/** A message of the API with these blocks of content. */
export const messageWith = (...content: object[]): string =>
  JSON.stringify({
    id: 'msg_advisor',
    type: 'message',
    role: 'assistant',
    model: 'scripted-advisor',
    content,
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: USAGE,
  });

export const verdictBlock = (input: unknown, name = 'verdict'): object => ({
  type: 'tool_use',
  id: 'toolu_1',
  name,
  input,
});

export async function startAdvisor(says: Says = { verdict: { verdict: 'extend', why: 'it works' } }): Promise<Advisor> {
  const asked: AskedOf[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const user = (JSON.parse(body) as { messages: { content: string }[] }).messages[0]?.content ?? '';
      asked.push({ headers: request.headers, body, user });
      answer(response, advisor.says);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const advisor: Advisor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    says,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return advisor;
}

function answer(response: ServerResponse, says: Says): void {
  if (says === 'hang') return;
  const whole = 'verdict' in says ? messageWith(verdictBlock(says.verdict)) : says.body;
  response.writeHead('status' in says ? (says.status ?? 200) : 200, { 'content-type': 'application/json' });
  response.end(whole);
}
