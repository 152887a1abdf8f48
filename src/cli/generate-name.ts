import { randomInt } from 'node:crypto';

const moods = ['amber', 'bold', 'brisk', 'calm', 'clear', 'deft', 'eager', 'fair', 'fleet', 'gentle', 'keen', 'lively'];
const more = ['lucid', 'merry', 'mild', 'neat', 'noble', 'proud', 'quick', 'quiet', 'sharp', 'sunny', 'swift', 'warm'];
const birds = ['avocet', 'bittern', 'curlew', 'dunlin', 'finch', 'gannet', 'heron', 'ibis', 'jay', 'kestrel', 'lark'];
const others = ['merlin', 'nuthatch', 'osprey', 'plover', 'quail', 'robin', 'siskin', 'tern', 'wagtail', 'wren'];

const pick = (words: readonly string[]) => words[randomInt(words.length)] ?? '';

/** A name for a VM that was given none, such as `brisk-heron-42`. */
export function generateName(): string {
  return `${pick([...moods, ...more])}-${pick([...birds, ...others])}-${randomInt(10, 100)}`;
}
