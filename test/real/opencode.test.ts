import { describeRealAgent } from '../support/real-agent.ts';

describeRealAgent('opencode', { steers: true, resumes: true });
