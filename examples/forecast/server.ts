// Serves the forecasts of the trained model: node server.ts [port]
import { wasm } from '@rnn/backend-wasm';
import { setBackend } from '@rnn/core';
import { load } from '@rnn/io/node';
import { forecast, StandardScaler, type ScalerStateDict } from '@rnn/train';
import { serve } from '@hono/node-server';
import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Forecaster, window } from './model.ts';

setBackend(await wasm());
const model = new Forecaster();
model.loadStateDict((await load('forecast.safetensors')).tensors);
const { error, ...fitted } = JSON.parse(await readFile('scaler.json', 'utf8')) as ScalerStateDict & { error: number };
const scaler = new StandardScaler();
scaler.loadStateDict(fitted);

const request = z.object({
  history: z.array(z.number().min(0)).min(window),
  months: z.number().int().min(1).max(120).default(12),
});

const app = new Hono();
app.post('/forecast', zValidator('json', request), async (context) => {
  const { history, months } = context.req.valid('json');
  const sampling = { noise: error, paths: 100 };
  const { values, intervals } = await forecast(model, history, months, { window, scaler, sampling });
  return context.json({
    values: Array.from(values.data),
    intervals: intervals.map(({ level, lower, upper }) => ({
      level,
      lower: Array.from(lower.data),
      upper: Array.from(upper.data),
    })),
  });
});
serve({ fetch: app.fetch, port: Number(process.argv[2] ?? 3000) }, ({ port }) => console.log(`listening on ${port}`));
