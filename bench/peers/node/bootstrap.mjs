// The Runtime API's loop, without the overhead of aws-lambda-ric: one request after the other, over one connection.
import http from "node:http";
import { handle } from "./function.mjs";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const invocation = "/2018-06-01/runtime/invocation";

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path: invocation + path, method, agent }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function run() {
  for (;;) {
    const { headers, body } = await call("GET", "/next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `/${id}/response`, JSON.stringify(await handle(JSON.parse(body))));
    } catch (error) {
      await call("POST", `/${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

run();
