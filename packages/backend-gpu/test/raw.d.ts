/** A file as text, by Vite, which serves the tests. */
declare module '*?raw' {
  const text: string;
  export default text;
}
