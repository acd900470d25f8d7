/** A page of the provider. */
export const pageOf = (title: string, content: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <style>
      body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0; }
      main { width: min(20rem, 90vw); }
      button { display: block; width: 100%; margin: .5rem 0; padding: .6rem; font: inherit; color: #fff; background: #1f5fbf; border: 1px solid #1f5fbf; border-radius: .5rem; cursor: pointer; }
      button.quiet { color: inherit; background: none; border-color: currentColor; }
      small { display: block; }
    </style>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`
