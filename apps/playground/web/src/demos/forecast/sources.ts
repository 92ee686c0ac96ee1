import sp500 from '../../../../data/sp500-daily.csv?url';
import sunspots from '../../../../data/sunspots-monthly.csv?url';
import weather from '../../../../data/seattle-weather.csv?url';

/** A built-in series. */
export interface Source {
  readonly address: string;
  /** The column that is forecast at first. */
  readonly column: string;
  /** Rows of a season; 0 where there is none. */
  readonly season: number;
  /** Rows that are forecast at first. */
  readonly ahead: number;
}

/** The built-in series by their names in the address. */
export const sources: Readonly<Record<string, Source>> = {
  sunspots: { address: sunspots, column: 'sunspots', season: 132, ahead: 72 },
  weather: { address: weather, column: 'temp_max', season: 365, ahead: 60 },
  sp500: { address: sp500, column: 'close', season: 0, ahead: 60 },
};
