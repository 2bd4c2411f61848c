/** A style sheet as text: esbuild reads `.css` so. */
declare module '*.css' {
  const text: string;
  export default text;
}
