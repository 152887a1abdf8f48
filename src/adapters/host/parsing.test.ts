import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineSplitter } from './line-splitter.ts';
import { OutputTail } from './output-tail.ts';
import { parseProcStat } from './proc-stat.ts';
import { hostProgramMissing } from './program-packages.ts';

describe('parseProcStat', () => {
  const rest = Array.from({ length: 40 }, (_, index) => String(index + 4)).join(' ');

  it('reads state and start time past a name with spaces and parentheses', () => {
    assert.deepEqual(parseProcStat(`42 (a) b (c) Z ${rest}`), { state: 'Z', startTicks: 22 });
  });

  it('answers undefined for anything else', () => {
    assert.equal(parseProcStat(''), undefined);
    assert.equal(parseProcStat('42 (sh) S 1 2'), undefined);
  });
});

describe('LineSplitter', () => {
  it('joins lines and letters that are split between chunks', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const bytes = Buffer.from('grün\r\n10%\r20%\nend');
    for (const byte of bytes) splitter.write(Buffer.of(byte));
    splitter.end();
    assert.deepEqual(lines, ['grün', '10%', '20%', 'end']);
  });

  it('hands on an endless line in parts', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let part = 0; part < 10; part++) splitter.write(Buffer.alloc(10_000, 'x'));
    splitter.end();
    assert.equal(lines.join('').length, 100_000);
    assert.equal(lines.length, 2);
  });
});

describe('OutputTail', () => {
  it('keeps the end alone', () => {
    const tail = new OutputTail(5);
    for (const part of ['abc', 'defghij', 'k', 'lmnopqrs', 'tu']) tail.write(Buffer.from(part));
    assert.equal(tail.toString(), 'qrstu');
  });
});

describe('hostProgramMissing', () => {
  it('names the package, also of a program given by its path', () => {
    assert.equal(hostProgramMissing('/usr/sbin/mkfs.ext4').hint, 'sudo apt-get install e2fsprogs');
    assert.equal(hostProgramMissing('virtiofsd').hint, 'sudo apt-get install virtiofsd');
  });
});
