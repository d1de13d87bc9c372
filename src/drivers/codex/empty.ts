/**
 * Lines that give no event, each with its reason (contract.md §4): kind of line → why nothing is lost.
 * Notifications of the app-server stand in `notifications.ts`, next to those that do give events.
 */

const HOST_JUDGES = 'the pane host judges it: its verdict or request record tells';

export const EMPTY_LINES = {
  stderr: 'diagnostics of the CLI: kept in the journal, read when it exits',

  'in:initialize': 'our own hello',
  'in:initialized': 'our own hello',
  'in:thread/start': 'its answer tells the conversation',
  'in:thread/resume': 'its answer tells the conversation',
  'in:turn/start': 'the userMessage item is the message',
  'in:turn/steer': 'the userMessage item is the message',
  'in:turn/interrupt': 'the end of the turn tells',
  'in:thread/turns/list': 'our own question whether a message is in the conversation',
  'in:thread/items/list': 'our own question whether a message is in the conversation',
  'in:thread/revert': 'cuts off a turn that holds no item; thread/reverted tells',
  'in:thread/backgroundTerminals/list': 'which commands an interrupted turn left running',
  'in:thread/backgroundTerminals/terminate': 'ends a command of an interrupted turn; its item/completed tells',
  'in:answer': 'our answer to a request; the verdict and answered records of the host tell',

  'response:initialize': 'version and platform; the answer to thread/start has the version too',
  'response:turn': 'accepted, not yet in the conversation; turn/started and the userMessage item tell',
  'response:steer': 'accepted, not yet in the conversation; the userMessage item tells',
  'response:reverted': 'thread/reverted tells',
  'response:done': 'an acknowledgement without content',
  'response:list': 'a page of the conversation that we asked for; its items were events when they happened',
  'response:refused': 'a request of ours came too late (the turn was over); the protocol takes the other way',

  'request:item/commandExecution/requestApproval': HOST_JUDGES,
  'request:item/fileChange/requestApproval': HOST_JUDGES,
  'request:item/permissions/requestApproval': HOST_JUDGES,
  'request:item/tool/requestUserInput': HOST_JUDGES,
  'request:mcpServer/elicitation/request': HOST_JUDGES,
  'request:applyPatchApproval': HOST_JUDGES,
  'request:execCommandApproval': HOST_JUDGES,
  'request:item/tool/call': 'the dynamicToolCall item is the call and its result',
  'request:account/chatgptAuthTokens/refresh': 'answered with an error: we hold no tokens',
  'request:attestation/generate': 'answered with an error: we attest nothing',
  'request:currentTime/read': 'answered with an error: the CLI has a clock of its own',

  'item/started:userMessage': 'not yet on disk; item/completed is',
  'item/started:agentMessage': 'text that begins; item/completed has it whole',
  'item/started:plan': 'text that begins; item/completed has it whole',
  'item/started:reasoning': 'text that begins; item/completed has it whole',
  'item/started:hookPrompt': 'item/completed has it whole',
  'item/started:subAgentActivity': 'item/completed has it whole',
  'item/started:exitedReviewMode': 'item/completed has it whole',
  'item/completed:enteredReviewMode': 'item/started told',
  'item/completed:reasoning:blank': 'the model does not show its reasoning',
  'item/completed:agentMessage:blank': 'an answer without text',
  'item/completed:hookPrompt:blank': 'a hook that added nothing',

  'thread/started:own': 'the answer to thread/start or thread/resume tells more',
  'thread/status/changed:known': 'turns, errors and requests tell the same',
  'thread/tokenUsage/updated:repeated': 'the totals did not change: nothing was used since',
  'thread/tokenUsage/updated:restated': 'totals of earlier turns, told again after a resume',
  'account/rateLimits/updated:unknown': 'the account has no windows (API key)',
  'mcpServer/startupStatus/updated:fine': 'starting, ready or cancelled; a failure is a notice',
  'turn/started:repeated': 'the turn is open already',

  // `codex exec --json`
  'item.updated': 'item.completed has it whole',
  'item.started:agent_message': 'item.completed has it whole',
  'item.started:reasoning': 'item.completed has it whole',
  'item.started:error': 'item.completed has it whole',
  'error:repeated': 'turn.failed repeats the error that came before it',
} as const;

export type EmptyKind = keyof typeof EMPTY_LINES;
export const isEmptyKind = (kind: string): kind is EmptyKind => Object.hasOwn(EMPTY_LINES, kind);
