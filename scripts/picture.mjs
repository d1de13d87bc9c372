// Turns a terminal capture with colours (tmux capture-pane -e -p) on stdin into an SVG picture on stdout.
// Usage: tmux -L tutti capture-pane -e -p -t '=alice:' | node scripts/picture.mjs "tutti attach alice" > docs/pane.svg
const COLORS = ['#3b4048', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d7dae0'];
const BRIGHT = ['#7f848e', '#ff7b86', '#b5e08f', '#ffd68a', '#7cc4ff', '#e08fff', '#74d3e0', '#ffffff'];
const CELL = 8.4;
const LINE = 18;

/** One SGR sequence applied to a style. */
function apply(style, codes) {
  for (const code of codes) {
    if (code === 0) Object.assign(style, { fg: null, bold: false, dim: false, reverse: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 22) Object.assign(style, { bold: false, dim: false });
    else if (code === 7) style.reverse = true;
    else if (code === 27) style.reverse = false;
    else if (code === 39) style.fg = null;
    else if (code >= 30 && code <= 37) style.fg = COLORS[code - 30];
    else if (code >= 90 && code <= 97) style.fg = BRIGHT[code - 90];
  }
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function spans(line) {
  const style = { fg: null, bold: false, dim: false, reverse: false };
  const out = [];
  let column = 0;
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const sgr = /^\x1b\[([0-9;]*)m$/.exec(part);
    if (sgr) {
      apply(style, (sgr[1] || '0').split(';').map(Number));
      continue;
    }
    if (part === '') continue;
    out.push({ column, text: part, ...style });
    column += [...part].length;
  }
  return out;
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const lines = input.replace(/\n+$/, '').split('\n');
const columns = Math.max(
  80,
  ...lines.map((l) => spans(l).reduce((n, s) => Math.max(n, s.column + [...s.text].length), 0)),
);
const width = Math.ceil(columns * CELL + 32);
const height = lines.length * LINE + 56;
const title = process.argv[2] ?? 'tutti';

const body = lines.map((line, row) =>
  spans(line)
    .map((s) => {
      const x = 16 + s.column * CELL;
      const y = 52 + row * LINE;
      const length = [...s.text].length * CELL;
      const back = s.reverse
        ? `<rect x="${x.toFixed(1)}" y="${y - 13}" width="${length.toFixed(1)}" height="${LINE}" fill="${s.fg ?? '#abb2bf'}"/>`
        : '';
      const fill = s.reverse ? '#1c2024' : (s.fg ?? '#d7dae0');
      const look = `${s.bold ? ' font-weight="bold"' : ''}${s.dim ? ' opacity="0.6"' : ''}`;
      return `${back}<text x="${x.toFixed(1)}" y="${y}" fill="${fill}"${look} textLength="${length.toFixed(1)}" xml:space="preserve">${escaped(s.text)}</text>`;
    })
    .join(''),
);
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" rx="8" fill="#1c2024"/>
<text x="16" y="24" fill="#8a939d" font-family="monospace" font-size="13">${escaped(title)}</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
${body.join('\n')}
</g>
</svg>
`);
