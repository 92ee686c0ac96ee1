/** Tables out of CSV files, by the parser papaparse, an optional peer of this package. */
export { CsvTable, type CsvCategories, type CsvColumnType } from './csv/table.js';
export { fromCsv, type CsvOptions, type MissingPolicy } from './csv/from-csv.js';
