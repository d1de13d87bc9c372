/** Seeds that once broke an invariant, and what it was: run first, for ever. A change of the simulation itself may make one pass idly. */
export const REGRESSIONS: Record<number, string> = {
  57: 'a request was open after its turn had been interrupted',
  96: 'typed in the pane and lost with the power: nobody was told that it is safe',
  128: 'the log broke off between the acceptance of a message and the message',
  312: 'an old greeting was taken for news: the CLI that it did not know yet was declared dead',
  808: 'what a dead supervisor had written and not synced was acted on by the next, and lost with the power',
  2604: 'a clearing that had failed was never tried again after a resume',
  4756: 'a command was acknowledged before it was on the disk',
  20921: 'two clearings ran at once, and the second ended the new process',
  9543: 'started once more than the limit on restarts allows',
};
