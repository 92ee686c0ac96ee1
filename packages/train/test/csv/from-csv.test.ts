import { ArgumentError, FormatError } from '@rnn/core';
import { fromCsv, type CsvOptions } from '@rnn/train/csv';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const weather = `date,rain,sky
2024-02-28,0.5,sun
2024-02-29,,rain
2024-03-01,2e0,"rain"
`;

describe('fromCsv', () => {
  test('finds out the types, keeps the order, and gives columns in the forms that data sets take', () => {
    const table = fromCsv(weather, { missing: { rain: 'linear' } });
    expect([table.length, table.names]).toEqual([3, ['date', 'rain', 'sky']]);
    expect(table.names.map((name) => table.type(name))).toEqual(['date', 'number', 'category']);
    expect([...table.numbers('rain')]).toEqual([0.5, 1.25, 2]);
    expect([...table.dates('date')]).toEqual(['2024-02-28', '2024-02-29', '2024-03-01'].map((day) => Date.parse(day)));
    expect(table.categories('sky')).toEqual({ codes: Int32Array.of(1, 0, 0), labels: ['rain', 'sun'] });
    expect(table.values()).toEqual({ shape: [3, 1], data: [0.5, 1.25, 2] });
  });

  test('reads a real file', () => {
    const text = readFileSync(
      new URL('../../../../apps/playground/data/sunspots-monthly.csv', import.meta.url),
      'utf8',
    );
    const table = fromCsv(text);
    expect(table.length).toBe(3120);
    const [name] = table.names.filter((each) => table.type(each) === 'number').slice(-1);
    // The same sum as of the cells taken by hand.
    const sum = text
      .trim()
      .split(/\r?\n/)
      .slice(1)
      .reduce((total, line) => total + Number(line.split(',').at(-1)), 0);
    expect(table.numbers(name).reduce((a, b) => a + b)).toBeCloseTo(sum, 6);
  });

  test.each<[MissingTest: string, CsvOptions['missing'], number[]]>([
    ['previous', 'previous', [1, 1, 1, 4, 4]],
    ['mean', 'mean', [1, 2.5, 2.5, 4, 2.5]],
    ['a number', -1, [1, -1, -1, 4, -1]],
    ['drop', 'drop', [1, 4]],
  ])('fills what is missing: %s', (_, missing, expected) => {
    expect([...fromCsv('x\n1\nNA\n?\n4\nnan\n', { missing }).numbers('x')]).toEqual(expected);
  });

  test('drops rows for a column that is chosen, and not for one that is not', () => {
    const text = 'a,b\n1,\n2,5\n';
    expect([...fromCsv(text, { missing: 'drop' }).numbers('a')]).toEqual([2]);
    expect([...fromCsv(text, { missing: 'drop', columns: ['a'] }).numbers('a')]).toEqual([1, 2]);
  });

  test('knows quotes, other delimiters and decimal signs, CRLF, a byte order mark, and files without a header', () => {
    const table = fromCsv('\uFEFF"a; b";c\r\n1,5;x\r\n-2,25;"y ""z"""\r\n', { decimal: ',' });
    expect(table.names).toEqual(['a; b', 'c']);
    expect([...table.numbers('a; b')]).toEqual([1.5, -2.25]);
    expect(table.categories('c').labels).toEqual(['x', 'y "z"']);
    expect(fromCsv('1,2\n3,4', { header: false }).values(['1', '0'])).toEqual({ shape: [2, 2], data: [2, 1, 4, 3] });
  });

  test('reads dates as ISO 8601 has them, in UTC where they name no zone', () => {
    const dates = ['2024-05', '2024/5/6', '2024-05-06 07:08', '2024-05-06T07:08:09.5Z', '2024-05-06T07:08:09+02:30'];
    expect([...fromCsv(`t\n${dates.join('\n')}`).dates('t')]).toEqual([
      Date.UTC(2024, 4, 1),
      Date.UTC(2024, 4, 6),
      Date.UTC(2024, 4, 6, 7, 8),
      Date.UTC(2024, 4, 6, 7, 8, 9, 500),
      Date.UTC(2024, 4, 6, 4, 38, 9),
    ]);
    for (const none of ['2023-02-29', '2024-13', '2024-01-01T24:00']) {
      expect(fromCsv(`t\n${none}`).type('t')).toBe('category');
      expect(() => fromCsv(`t\n${none}`, { types: { t: 'date' } })).toThrow(FormatError);
    }
  });

  test('names row and column of what is wrong', () => {
    expect(() => fromCsv(weather)).toThrow("fromCsv: row 3, column 'rain' has no value; the option missing");
    expect(() => fromCsv('a,b\n1,2\n3', {})).toThrow(FormatError);
    expect(() => fromCsv('a,b\n1,2\n3\n')).toThrow(/row 3 has 1 cell, the first one 2/);
    expect(() => fromCsv('x\n1\ntwo', { types: { x: 'number' } })).toThrow(
      "row 3, column 'x' is 'two', expected a number",
    );
    expect(() => fromCsv('x\nNA\n1', { missing: 'previous' })).toThrow(
      /row 2, column 'x' has no value, and 'previous' has nothing/,
    );
    expect(() => fromCsv('x,y\na,1\nNA,2', { missing: 'mean' })).toThrow(/row 3, column 'x' has no value/);
    expect(() => fromCsv('x,x\n1,2')).toThrow("two columns have the name 'x'");
    expect(() => fromCsv('x\n')).toThrow('there is no row');
    expect(() => fromCsv('')).toThrow(ArgumentError);
    expect(() => fromCsv(weather, { columns: ['snow'] })).toThrow(/columns is 'snow', expected one of date, rain, sky/);
    expect(() => fromCsv(weather, { missing: { rain: 'guess' as 'mean' } })).toThrow(ArgumentError);
    expect(() => fromCsv(weather, { missing: 0 }).numbers('sky')).toThrow(
      /a column of type category, expected one of type number/,
    );
  });
});
