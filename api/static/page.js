// The API's page: Swagger UI from this server. A browser that is signed in sends its session's token with changes.
"use strict";

async function csrf() {
  const answer = await fetch("/api/v1/session");
  return answer.ok ? (await answer.json()).csrf : null;
}

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  tryItOutEnabled: true,
  docExpansion: "list",
  requestInterceptor: async (request) => {
    const isChange = !["GET", "HEAD"].includes(request.method ?? "GET");
    const token = isChange ? await csrf() : null;
    if (token) request.headers["X-CSRF-Token"] = token;
    return request;
  },
});
