// The smallest CLI that a claude driver can talk to: answers control requests, replays prompts, and does what a prompt's first word says:
//   stamps COUNT EVERY_MS   lines with the time of the monotonic clock in them
//   lines FILE COUNT        COUNT lines of that file, again and again
//   gate                    one question to the tool gate
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const FILLER = 'x'.repeat(400);
const args = process.argv.slice(2);
const flag = ['--resume', '--session-id'].find((name) => args.includes(name));
const session_id = flag === undefined ? 'bench' : args[args.indexOf(flag) + 1];
let answered = () => undefined;

const put = (text) => new Promise((done) => process.stdout.write(`${text}\n`, done));
const say = (line) => put(JSON.stringify({ ...line, session_id }));
const think = (thinking) =>
  say({
    type: 'assistant',
    message: { id: 'm', role: 'assistant', model: 'fake', content: [{ type: 'thinking', thinking }] },
    parent_tool_use_id: null,
  });

const SCENES = {
  async stamps(count, everyMs) {
    // Not all agents at the same moment.
    await sleep(Math.random() * Number(everyMs));
    for (let i = 0; i < Number(count); i++) {
      await think(`stamp ${process.hrtime.bigint()} ${FILLER}`);
      await sleep(Number(everyMs));
    }
  },
  async lines(file, count) {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    for (let i = 0; i < Number(count); i++) await put(lines[i % lines.length]);
  },
  async gate() {
    const input = { command: 'git status --short' };
    const hook = { hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: input, tool_use_id: 't1', session_id };
    const verdict = new Promise((done) => {
      answered = done;
    });
    await say({
      type: 'control_request',
      request_id: 'q1',
      request: { subtype: 'hook_callback', callback_id: 'pre', input: hook, tool_use_id: 't1' },
    });
    await verdict;
  },
};

async function turn({ message, uuid }) {
  await say({
    type: 'system',
    subtype: 'init',
    cwd: process.cwd(),
    tools: [],
    model: 'fake',
    permissionMode: 'default',
  });
  await say({ type: 'user', message, uuid, isReplay: true, parent_tool_use_id: null });
  const [word, ...rest] = message.content.split(' ');
  await SCENES[word]?.(...rest);
  await say({
    type: 'result',
    subtype: 'success',
    is_error: false,
    num_turns: 1,
    result: 'done',
    total_cost_usd: 0,
    usage: {},
  });
}

createInterface({ input: process.stdin })
  .on('line', (text) => {
    const line = JSON.parse(text);
    if (line.type === 'user') turn(line);
    else if (line.type === 'control_response') answered();
    else if (line.type === 'control_request')
      say({ type: 'control_response', response: { subtype: 'success', request_id: line.request_id, response: {} } });
  })
  .on('close', () => process.exit(0));
