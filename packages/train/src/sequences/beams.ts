/** The beam search itself, whatever it is that scores the tokens. */

export interface BeamSettings {
  /** Tokens at most. */
  readonly maxTokens: number;
  /** How many continuations are followed side by side. */
  readonly beams: number;
  /** A token that ends a continuation. */
  readonly stop: number | undefined;
  /** A continuation of n tokens is ranked by its log probability by n to this power. */
  readonly lengthPenalty: number;
}

/** A continuation. */
export interface Beam {
  /** Without the prompt and the token that ends it. */
  readonly tokens: readonly number[];
  /** That of all its tokens, the one that ends it included. */
  readonly logProbability: number;
}

/**
 * Goes a step ahead on all open paths.
 *
 * @param tokens - the last token of each; none at the first step
 * @param parents - which of the paths of the step before each of them continues
 * @returns for each the log probabilities of the tokens that may follow
 */
export type Advance = (
  tokens: readonly number[] | undefined,
  parents: readonly number[],
) => Promise<readonly ArrayLike<number>[]>;

/** A path ends in a token and shares what comes before with others; the first one has no token. */
interface Path {
  readonly token: number;
  readonly before: Path | undefined;
  readonly logProbability: number;
  readonly length: number;
  /** Which of the paths of the step before it continues. */
  readonly parent: number;
}

/**
 * Looks for the most probable continuations: of all that it follows, the best few are kept after
 * each token.
 *
 * @returns up to `beams` continuations, the best first
 */
export async function searchBeams(
  { maxTokens, beams, stop, lengthPenalty }: BeamSettings,
  advance: Advance,
): Promise<Beam[]> {
  const done: Path[] = [];
  let open: Path[] = [{ token: -1, before: undefined, logProbability: 0, length: 0, parent: 0 }];
  for (let n = 0; n < maxTokens && open.length > 0; n++) {
    const tokens = n === 0 ? undefined : open.map(({ token }) => token);
    const scores = await advance(
      tokens,
      open.map(({ parent }) => parent),
    );
    const best = bestOf(open, scores, beams);
    done.push(...best.filter(({ token }) => token === stop));
    open = best.filter(({ token }) => token !== stop);
  }
  const rank = ({ logProbability, length }: Path): number => logProbability / length ** lengthPenalty;
  return [...done, ...open]
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, beams)
    .map((path) => ({ tokens: tokensOf(path, stop), logProbability: path.logProbability }));
}

/** The most probable of all paths that are one token longer. */
function bestOf(open: readonly Path[], scores: readonly ArrayLike<number>[], beams: number): Path[] {
  const all = open.flatMap((before, parent) =>
    Array.from(scores[parent], (score, token) => ({
      token,
      before,
      logProbability: before.logProbability + score,
      length: before.length + 1,
      parent,
    })),
  );
  return all.sort((a, b) => b.logProbability - a.logProbability).slice(0, beams);
}

function tokensOf(path: Path, stop: number | undefined): number[] {
  const tokens: number[] = [];
  for (let at = path; at.before !== undefined; at = at.before) if (at.token !== stop) tokens.push(at.token);
  return tokens.reverse();
}
