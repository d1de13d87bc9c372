/** How open requests read. */
import type { PermissionRequest } from '../api/wire.ts';
import { askedText } from '../core/asked.ts';

/** One line for each open request, to choose from. */
export function agentRequestsHint(requests: PermissionRequest[]): string {
  if (requests.length === 0) return 'no agent waits for an answer';
  return requests
    .map((r) => `${r.requestId}  ${r.agent} ${r.what === 'question' ? 'asks' : 'asks to run'}: ${askedText(r)}`)
    .join('\n');
}
