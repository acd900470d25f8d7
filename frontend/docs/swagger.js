// Shows the OpenAPI document that the page names. Swagger UI is served beside this file: nothing comes
// from another origin, and "Try it out" calls the gateway that the page came from.

const place = document.querySelector('#swagger')
if (!(place instanceof HTMLElement)) throw new Error('There is no place for Swagger UI.')

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

/** @type {{ SwaggerUIBundle: (options: object) => void }} */
const { SwaggerUIBundle } = /** @type {any} */ (window)

SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelRendering: 'example',
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // the validator would be somebody else's
})
