// Reads api/contracts/asyncapi.json with the parser that readers of AsyncAPI use, and fails on any error or warning.
// Usage: node asyncapi.mjs [document]

import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

// Below are hints, such as that AsyncAPI 3.1 exists.
const WARNING = 1;

const path = process.argv[2] ?? new URL('../asyncapi.json', import.meta.url);
const { document, diagnostics } = await new Parser().parse(readFileSync(path, 'utf8'));
const findings = diagnostics.filter(({ severity }) => severity <= WARNING);

// One mistake is found again wherever it is referred to.
for (const { code, message, path: place } of findings.slice(0, 20)) {
    console.error(`${code} at ${place.join('.') || 'the top'}: ${message}`);
}
if (findings.length > 0 || !document) {
    console.error('the contract of the socket is not valid AsyncAPI');
    process.exit(1);
}
console.log(`AsyncAPI ${document.version()}: ${document.messages().length} frames, ${document.operations().length} operations`);
