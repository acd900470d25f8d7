/** How a caller says who it is, in OpenAPI and in AsyncAPI. */
export const bearer = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description:
    'Needed with AUTH_MODE=jwt, not asked for with AUTH_MODE=off. A JWT with iss, aud, exp and sub, the user_id of the caller. A scope claim (scope or scp), where there is one, must have orders or payments.',
}
