import { describeRealAgent } from '../support/real-agent.ts';

describeRealAgent('claude', { steers: true, resumes: true });
