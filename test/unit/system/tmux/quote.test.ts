import { describe, expect, it } from 'vitest';
import { quoteArguments, quoteFormat, quoteLine, quoteWord } from '../../../../src/system/tmux/quote.ts';
import { sessionName, sessionTarget } from '../../../../src/system/tmux/index.ts';
import { tmuxConfig } from '../../../../src/system/tmux/config.ts';

describe('words for tmux', () => {
  it.each([
    { word: '', quoted: "''" },
    { word: 'plain', quoted: "'plain'" },
    { word: "it's", quoted: `'it'"'"'s'` },
    { word: 'a\nb\r', quoted: `'a'"\\n"'b'"\\r"` },
    { word: '$HOME ; ~', quoted: "'$HOME ; ~'" },
  ])('$word', ({ word, quoted }) => {
    expect(quoteWord(word)).toBe(quoted);
    expect(quoteLine([word, 'x'])).toBe(`${quoted} 'x'`);
    expect(quoteLine([word])).not.toContain('\n');
  });

  it('refuses a NUL byte', () => {
    expect(() => quoteWord('a\0')).toThrow('NUL');
  });

  it('an argument that ends in ; does not end the command', () => {
    expect(quoteArguments(['a;b', 'c;', ';'])).toEqual(['a;b', 'c\\;', '\\;']);
  });

  it.each([
    { text: '#(id)', quoted: '##(id)' },
    { text: '#[fg=red]', quoted: '##[fg=red]' },
    { text: '##[x', quoted: '####[x' },
    { text: '## x', quoted: '######## x' },
    { text: '50%', quoted: '50%%' },
    { text: 'a\x1b\nb', quoted: 'a  b' },
  ])('status text $text', ({ text, quoted }) => expect(quoteFormat(text)).toBe(quoted));

  it('the configuration quotes the home', () => {
    expect(tmuxConfig("/h/it's $x")).toContain(`set -gq @tutti_home '/h/it'"'"'s $x'\n`);
  });
});

describe('targets', () => {
  it('are exact', () => {
    expect(sessionTarget('alice')).toBe('=alice');
    expect(sessionTarget('a.b:c')).toBe('=a_b_c');
    expect(sessionName('a.b:c')).toBe('a_b_c');
  });

  it.each(['', ' ', '=', '$1', '@1', '%1', '!', '-t', '_tutti', 'a b', 'a*', '1x'])('%j is none', (name) => {
    expect(() => sessionTarget(name)).toThrow('not a session name');
  });
});
