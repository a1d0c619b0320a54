// A wallet that is a program: run, wait, look at what it printed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** {code, out, text}: `out` is standard output, `text` both outputs. One that hangs is killed. */
export async function run(file, args, { env = {}, cwd, input = '', ms = 90_000 } = {}) {
  const child = spawn(file, args, { env: { ...process.env, ...env }, cwd });
  let out = '', text = '';
  child.stdout.on('data', data => { out += data; text += data; });
  child.stderr.on('data', data => { text += data; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, out, text };
}

/** What a run printed that ended well. */
export function good(done, what) {
  assert.equal(done.code, 0, `${what}: ${done.text.slice(-600)}`);
  return done.text;
}

export const match = (text, pattern) => {
  const found = pattern.exec(text);
  assert.ok(found, `no ${pattern} in: ${text.slice(-600)}`);
  return found[1] ?? found[0];
};
