import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wholeBlocks } from './create-disk.ts';
import { imageBytes, inodeCount } from './create-mount-image.ts';
import { parseInodeTables } from './inode-tables.ts';

const GiB = 1024 ** 3;

describe('the size of a mount image', () => {
  it('leaves the guest 1 GiB at least and half the tree’s size above that', () => {
    assert.ok(imageBytes({ bytes: 0, inodes: 0 }) >= GiB);
    assert.ok(imageBytes({ bytes: 10 * GiB, inodes: 100 }) >= 15 * GiB);
    assert.equal(imageBytes({ bytes: 12_345, inodes: 3 }) % 4096, 0);
  });

  it('has inodes and their tables for a tree of a million empty files', () => {
    const tree = { bytes: 64_000_000, inodes: 1_000_000 };
    const size = imageBytes(tree);
    const inodes = inodeCount(tree, size);
    assert.ok(inodes >= 1_250_000);
    assert.ok(size - inodes * 256 > tree.bytes + GiB);
  });
});

describe('wholeBlocks', () => {
  it('rounds up to 4 KiB', () => {
    assert.deepEqual([0, 1, 4096, 4097].map(wholeBlocks), [0, 4096, 4096, 8192]);
  });
});

describe('parseInodeTables', () => {
  it('finds the inodes in use of each group', () => {
    const text = `Inodes per group:         8192

Group 0: (Blocks 0-32767) csum 0xcd9a [ITABLE_ZEROED]
  Primary superblock at 0, Group descriptors at 1-1
  Inode table at 41-552 (+41)
  23897 free blocks, 8180 free inodes, 2 directories, 8180 unused inodes
Group 1: (Blocks 32768-65535) csum 0x8d1b [INODE_UNINIT, BLOCK_UNINIT]
  Inode table at 553-1064 (bg #0 + 553)
  32768 free blocks, 8192 free inodes, 0 directories, 8192 unused inodes
Group 2: (Blocks 65536-98303) csum 0x8d1b
  Inode table at 1065-1576 (bg #0 + 1065)
  32768 free blocks, 0 free inodes, 0 directories
`;
    assert.deepEqual(parseInodeTables(text), [
      [41 * 4096, 12 * 256],
      [1065 * 4096, 8192 * 256],
    ]);
  });
});
