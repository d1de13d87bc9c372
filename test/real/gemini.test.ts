import { describeRealAgent } from '../support/real-agent.ts';

// A second prompt in mid-turn cancels the first, so none is sent; and its own resume works only now and then
// (src/drivers/gemini/index.ts says when): what it was told comes back with the handoff where that fails.
describeRealAgent('gemini', { steers: false, resumes: false });
