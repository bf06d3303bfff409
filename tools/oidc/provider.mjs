// An OpenID provider on a port: whoever logs in is who they say, with the groups that are listed here.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, modules, redirectUri] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

const people = {
  ada: { name: "Ada Editor", groups: ["plant-it", "lineshaft-editors"] },
  vic: { name: "Vic Viewer", groups: ["lineshaft-viewers"] },
  eve: { name: "Eve Elsewhere", groups: ["sales"] },
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "lineshaft-console",
      client_secret: "the-secret-of-the-console",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub"], profile: ["name", "groups"] },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
