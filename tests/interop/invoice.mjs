// A BOLT-11 invoice of another node than the mint's, for trying out a melt: play money on `lnbcrt`, whose preimage
// anybody can compute, so that the mint's fake node "pays" it and returns a preimage that can be checked.
import { bech32 } from '@scure/base';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { tagged, u64 } from './protocol.mjs';

const numberWords = (n, count) => Array.from({ length: count }, (_, i) => Math.floor(n / 32 ** (count - 1 - i)) % 32);
const shortest = n => { const words = numberWords(n, 13); return words.slice(words.findIndex(w => w > 0)); };
const field = (type, words) => [type, ...numberWords(words.length, 2), ...words];
const bytesField = (type, bytes) => field(type, bech32.toWords(bytes));

// 10 units of `p` (pico-bitcoin) are a millisatoshi; the shortest form is asked for.
function amountText(msat) {
  for (const [letter, unit] of [['m', 10n ** 8n], ['u', 10n ** 5n], ['n', 10n ** 2n]]) {
    if (msat % unit === 0n) return `${msat / unit}${letter}`;
  }
  return `${msat * 10n}p`;
}

export function makeInvoice(amountMsat, { description = 'a melt by a stranger', expiry = 3600, key = randomBytes(32) } = {}) {
  const msat = BigInt(amountMsat);
  const secret = randomBytes(32);
  const preimage = tagged('manastr/fake-lightning/preimage', secret, u64(msat), sha256(utf8ToBytes(description)));
  const prefix = `lnbcrt${amountText(msat)}`;
  const words = [
    ...numberWords(Math.floor(Date.now() / 1000), 7),
    ...bytesField(16, secret),                 // s: payment secret
    ...bytesField(1, sha256(preimage)),        // p: payment hash
    ...bytesField(13, utf8ToBytes(description)),
    ...field(6, shortest(expiry)),             // x: seconds
    ...field(5, shortest((1 << 14) | (1 << 8))), // 9: payment_secret and var_onion_optin, both required
  ];
  const bits = words.map(w => w.toString(2).padStart(5, '0')).join('');
  const data = Uint8Array.from(bits.match(/.{1,8}/g), b => parseInt(b.padEnd(8, '0'), 2));
  const [recovery, ...rs] = secp256k1.sign(sha256(concatBytes(utf8ToBytes(prefix), data)), key,
    { prehash: false, format: 'recovered' });
  const signature = Uint8Array.from([...rs, recovery]);
  return {
    text: bech32.encode(prefix, [...words, ...bech32.toWords(signature)], false),
    preimage: bytesToHex(preimage),
  };
}
