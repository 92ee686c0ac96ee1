// Writes what each entry of each package exports: npm run api
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { apiReports } from './api-report.ts';
import { root } from './packages.ts';

for (const old of globSync(`${root}/packages/*/api`)) rmSync(old, { recursive: true });
for (const { file, text } of apiReports()) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
