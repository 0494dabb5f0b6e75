// A signal that ends what it is given to after so many milliseconds. AbortSignal.timeout is missing in Safari before 16: what
// is asked for would wait for ever there.
export function within(milliseconds) {
  const limit = new AbortController();
  setTimeout(() => limit.abort(), milliseconds);
  return limit.signal;
}
