/**
 * Polynomials of the elementwise functions, for float32. Kernels (AssemblyScript) and compiled
 * programs (the emitter) import the same numbers, so that both compute the same bits. All were
 * fitted for the least relative error of the function (Lawson's iteration on Chebyshev nodes); the
 * error given is that of the polynomial alone, in units of 2^-24.
 */

/**
 * `1.5 * 2^23`: adding it rounds a float32 below 2^22 to a whole number, which then stands in the
 * low bits.
 */
export const ROUND = 12582912;

// oxlint-disable-next-line approx-constant -- AssemblyScript reads this file too, and takes plain numbers only
export const LOG2E = 1.4426950408889634;
/**
 * ln 2 in two parts; the first has 16 bits, so that its product with an exponent is exact. Both are
 * positive: -0 stays -0.
 */
export const LN2_HIGH = 0.693145751953125;
export const LN2_LOW = 1.428606765330187e-6;

/** exp(r) = 1 + r + r^2 q(r) for |r| <= ln(2)/2; 0.05. */
export const EXP_2 = 0.49999993447783025;
export const EXP_3 = 0.16666520631667364;
export const EXP_4 = 0.04166838804804033;
export const EXP_5 = 0.008368716883609535;
export const EXP_6 = 0.0013814598512679227;

/** exp(r) - 1 = r + r^2 q(r) for |r| <= ln(2)/2, relative to exp(r) - 1; 0.22. */
export const EXPM1_2 = 0.49999998154046954;
export const EXPM1_3 = 0.16666543620995244;
export const EXPM1_4 = 0.04166719985946313;
export const EXPM1_5 = 0.008366520578701462;
export const EXPM1_6 = 0.0013882521482202262;

/**
 * log((1 + s) / (1 - s)) = 2 s + s^3 R(s^2) for |s| <= 0.1716, which is sqrt(1/2) to sqrt(2) in
 * (1 + s) / (1 - s); 0.014.
 */
export const LOG_0 = 0.6666677644799252;
export const LOG_1 = 0.39977532450539216;
export const LOG_2 = 0.2987199517066387;

/** The same for 0 <= s <= 1/3, which is 1 to 2; 0.08. */
export const LOG1P_0 = 0.6666641291571952;
export const LOG1P_1 = 0.4002171320411961;
export const LOG1P_2 = 0.27998885904910153;
export const LOG1P_3 = 0.2802582088902532;
