import { describeRealAgent } from '../support/real-agent.ts';

describeRealAgent('codex', { steers: true, resumes: true });
