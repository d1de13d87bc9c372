/**
 * What the app-server asks of us: every request of the schema, how it is put to the host and how the verdict is answered.
 * A request that is not in the table is answered at once, so that codex never waits for nothing.
 */
import type { Json, JsonObject } from '../../core/event.ts';
import type { Action, Verdict } from '../driver.ts';
import { type Call, changeArgs } from './items.ts';
import { scriptOf } from './shell-word.ts';
import { isObject, known, listOf, objectOf, textOf, textOrNull } from './values.ts';

/** How an open request is answered: the `result` of the response. */
export type Answer = (verdict: Verdict) => Json;

export interface Asked {
  judge: Omit<Action & { do: 'judge' }, 'do' | 'key'>;
  answer: Answer;
}

/** `item`: the tool item that the request is about, as announced before it. */
type Request = (params: JsonObject, item: JsonObject | null) => Asked;

/** Requests that nobody is asked about. */
export const REFUSED_REQUESTS: Record<string, string> = {
  'account/chatgptAuthTokens/refresh': 'tutti holds no tokens: log in with `codex login`',
  'attestation/generate': 'tutti attests nothing',
  'currentTime/read': 'tutti gives no time',
};

export const REQUESTS: Record<string, Request> = {
  'item/commandExecution/requestApproval': (params, item) => permission(commandCall(params, item), params, decision),
  'item/fileChange/requestApproval': (params, item) => {
    const { args, onlyNew } = changeArgs(item?.changes);
    // Without its item nobody knows what it changes: then it is no edit inside the folder, but something to ask about.
    const tool = args.path === undefined ? 'other' : onlyNew ? 'write' : 'edit';
    const call: Call = { tool, nativeTool: 'fileChange', args: { ...args, ...known({ root: params.grantRoot }) } };
    return permission(call, params, decision);
  },
  'item/permissions/requestApproval': (params) => {
    const permissions = objectOf(params.permissions);
    const call: Call = {
      tool: 'other',
      nativeTool: 'request_permissions',
      args: known({ permissions, cwd: params.cwd }),
    };
    // For this turn only: what a person allows once is not allowed for ever.
    return permission(call, params, (verdict) => ({
      permissions: verdict.decision === 'allow' ? permissions : {},
      scope: 'turn',
    }));
  },
  'item/tool/requestUserInput': userInput,
  'mcpServer/elicitation/request': elicitation,
  applyPatchApproval: (params) => {
    const paths = Object.keys(objectOf(params.fileChanges));
    const args = known({ path: paths[0], paths: paths.length > 1 ? paths : null });
    return permission(
      { tool: 'edit', nativeTool: 'apply_patch', args },
      { ...params, itemId: params.callId ?? null },
      review,
    );
  },
  execCommandApproval: (params) => {
    const command = listOf(params.command).map(textOf).join(' ');
    const args = known({ command: scriptOf(command), cwd: textOrNull(params.cwd) });
    return permission({ tool: 'bash', nativeTool: 'exec', args }, { ...params, itemId: params.callId ?? null }, review);
  },
};

/** A command; or a host that one wants to reach; or keys for one that runs, of which the text may not be told. */
function commandCall(params: JsonObject, item: JsonObject | null): Call {
  const command = scriptOf(textOf(params.command) || textOf(item?.command));
  const args = known({ command: command || null, cwd: textOrNull(params.cwd) });
  if (isObject(params.networkApprovalContext)) {
    const { host, protocol } = params.networkApprovalContext;
    return { tool: 'web', nativeTool: 'network', args: { ...args, url: `${textOf(protocol)}://${textOf(host)}` } };
  }
  const nativeTool = params.kind === 'writeStdin' ? 'writeStdin' : 'commandExecution';
  return { tool: command === '' ? 'other' : 'bash', nativeTool, args };
}

const decision: Answer = (verdict) => ({ decision: verdict.decision === 'allow' ? 'accept' : 'decline' });

/** The answer of the protocol's first version. */
const review: Answer = (verdict) => ({
  decision: verdict.decision === 'allow' ? 'approved' : { denied: { rejection: reasonOf(verdict) } },
});

const reasonOf = (verdict: Verdict): string => (verdict.decision === 'deny' ? verdict.reason : 'not allowed');

function permission(call: Call, params: JsonObject, answer: Answer): Asked {
  const object = textOf(call.args.command) || textOf(call.args.path) || call.nativeTool;
  const reason = textOf(params.reason);
  return {
    judge: {
      what: 'permission',
      gate: false,
      ...call,
      callId: textOrNull(params.itemId),
      text: reason === '' ? object : `${object} (${reason})`,
    },
    answer,
  };
}

/** Questions of the model. One text answers them all, unless it has as many lines as there are questions. */
function userInput(params: JsonObject): Asked {
  const questions = listOf(params.questions).filter(isObject);
  const text = questions.map(questionText).join('\n');
  return {
    judge: {
      what: 'question',
      gate: false,
      tool: 'other',
      nativeTool: 'request_user_input',
      args: { questions },
      callId: textOrNull(params.itemId),
      text,
    },
    answer(verdict) {
      if (verdict.decision !== 'answer') return { answers: {} };
      const lines = verdict.text.split('\n');
      const answers: JsonObject = {};
      questions.forEach((question, index) => {
        const own = lines.length === questions.length ? (lines[index] ?? '') : verdict.text;
        answers[textOf(question.id)] = { answers: [own] };
      });
      return { answers };
    },
  };
}

function questionText(question: JsonObject): string {
  const options = listOf(question.options)
    .filter(isObject)
    .map((option) => textOf(option.label));
  return options.length === 0 ? textOf(question.question) : `${textOf(question.question)} (${options.join(' / ')})`;
}

/** A question of an MCP server: a yes (also to one of its tools), one value, or a page to visit. */
function elicitation(params: JsonObject): Asked {
  const fields = Object.keys(objectOf(objectOf(params.requestedSchema).properties));
  const [field] = fields;
  const what = params.mode === 'url' ? 'login' : fields.length === 0 ? 'permission' : 'question';
  return {
    judge: {
      what,
      gate: false,
      tool: 'mcp',
      nativeTool: textOf(params.serverName) || 'elicitation',
      args: known({ url: params.url, fields: fields.length > 0 ? fields : null, meta: params._meta }),
      callId: null,
      text: textOf(params.message),
    },
    answer(verdict) {
      if (verdict.decision === 'answer' && fields.length === 1 && field !== undefined) {
        return { action: 'accept', content: { [field]: verdict.text } };
      }
      // A yes fills no field in: with fields to fill it would be half an answer.
      return verdict.decision === 'allow' && fields.length === 0
        ? { action: 'accept', content: {} }
        : { action: 'decline' };
    },
  };
}
