// Walks the consoles of two running nodes as people do. Usage:
//   node walk.mjs STORY.json THIRD-KEY-STATEMENT SCREENSHOT-FOLDER
// where STORY.json is what `detente --json demo` printed, and the key statement that of a third
// node that nobody has met.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Walk, check } from "./lib.mjs";

const [storyPath, statementPath, shots] = process.argv.slice(2);
const [a, b] = JSON.parse(readFileSync(storyPath, "utf8").split("\n")[0]).nodes;
const home = (node) => new URL(node.desk).origin;
const PASSWORD = "an invented passphrase";
const TOPIC = "harbour-watch";
const tag = Date.now().toString(16).slice(-8);

/// Invented objects; `marks` is a TLP 2.0 marking.
const AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
const RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
let made = 0;
const object = (name, marks = AMBER) => JSON.stringify({
  type: "campaign", spec_version: "2.1",
  id: `campaign--${tag}-0000-4000-8000-${String(++made).padStart(12, "0")}`,
  created: "2031-05-04T10:00:00.000Z", modified: "2031-05-04T10:00:00.000Z",
  name, object_marking_refs: [marks],
}, null, 1);
const envelope = (...objects) => `{"objects": [\n${objects.join(",\n")}\n]}`;

const logIn = async (page, node, name) => {
  await page.goto(`${home(node)}/login`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
};

/// A session may ask for a password again after a while; who has none logs in anew by a link.
const renew = async (page, node) => {
  await page.goto(`${home(node)}/desk`);
  const link = await (await asking(page, node, "POST", "/api/login-link", {})).json();
  await page.goto(`${home(node)}${link.path}`);
  await page.waitForURL("**/desk");
};

/// Asks the API as the person whose page this is.
const asking = async (page, node, method, path, data) => {
  const csrf = await page.locator("input[name=csrf]").first().inputValue();
  const answer = await page.request.fetch(`${home(node)}${path}`, { method, data, headers: { "x-csrf-token": csrf } });
  check(answer.ok(), `${method} ${path} answers ${answer.status()}`);
  return answer;
};

/// Waits until a page, loaded again and again, says something: for readers without scripts.
const reloadUntil = async (page, words) => {
  for (let tries = 0; tries < 80; tries += 1) {
    if (await page.getByText(words).first().isVisible()) return;
    await page.waitForTimeout(250);
    await page.reload();
  }
  throw new Error(`${page.url()} never said ${words}`);
};

const walk = await Walk.start(shots);
const operators = {};
let agreement;

await walk.step("a one-time link logs in once, at both desks", async () => {
  for (const [name, node] of [["a", a], ["b", b]]) {
    const page = await walk.person(`operator ${name}`);
    await page.goto(node.login);
    await page.waitForURL("**/desk");
    operators[name] = page;
    const late = await walk.person(`latecomer ${name}`);
    await late.goto(node.login);
    await late.getByText("this link was used already").waitFor();
    await walk.inspectAll(late, "the login page");
    await late.context().close();
  }
});

await walk.step("both desks are live, and look as they should", async () => {
  for (const [name, page] of Object.entries(operators)) {
    await page.getByText("Live", { exact: true }).waitFor();
    await walk.inspectAll(page, `desk ${name}`);
  }
  const zone = await operators.a.locator("[data-zone]").textContent();
  check(/GMT|EET|EEST/.test(zone), `times are local: ${zone}`);
  const title = await operators.a.locator("tbody time").first().getAttribute("title");
  check(title.endsWith("UTC"), "UTC stands on hover");
});

await walk.step("the administrator makes a drafter and a releaser at A, and a reader at B", async () => {
  const make = async (page, node, name, roles) => {
    await page.goto(`${home(node)}/accounts`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    for (const role of roles) await page.locator(`form[action="/accounts"] input[value=${role}]`).check();
    await page.locator("form[action='/accounts']").getByLabel(/^Password/).fill("short");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("a password has at least 12 characters").waitFor();
    check(await page.getByLabel("Name", { exact: true }).inputValue() === name, "the form kept the name");
    await page.locator("form[action='/accounts']").getByLabel(/^Password/).fill(PASSWORD);
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByRole("link", { name, exact: true }).waitFor();
  };
  await make(operators.a, a, "wren", ["drafter", "reader"]);
  await make(operators.a, a, "marten", ["releaser", "reader"]);
  await make(operators.b, b, "tern", ["reader"]);
  await make(operators.b, b, "heron", []);
  await operators.a.getByText("wren", { exact: true }).last().click();
  await walk.inspectAll(operators.a, "accounts");
  await operators.a.getByLabel(/^New token or/).last().waitFor();
  await operators.a.locator("#account-wren").getByLabel(/^New token or/).fill("an invented tool");
  await operators.a.locator("#account-wren").getByRole("button", { name: "Make a token" }).click();
  await operators.a.getByText("is never shown again").waitFor();
});

await walk.step("an agreement is drafted at A, read and signed on both sides", async () => {
  const page = operators.a;
  await page.goto(`${home(a)}/agreements`);
  await walk.inspectAll(page, "agreements");
  await page.getByLabel("Title").fill("Watch over an invented harbour");
  await page.getByLabel(/^Topics/).fill("Harbour Watch");
  await page.getByRole("button", { name: "Draft it" }).click();
  await page.getByText("a topic cannot be read").waitFor();
  await walk.inspect(page, "a refused agreement");
  check((await page.getByLabel("Title").inputValue()).startsWith("Watch over"), "the form kept the title");
  await page.getByLabel(/^Topics/).fill(TOPIC);
  await page.getByRole("button", { name: "Draft it" }).click();
  await page.getByRole("heading", { name: "Sign" }).waitFor();
  await walk.inspectAll(page, "an agreement");
  await page.getByRole("button", { name: "Sign the agreement" }).click();
  await page.getByText("reads it and signs the same bytes").waitFor();
  const path = new URL(page.url()).pathname;
  agreement = path;
  const other = operators.b;
  await other.goto(`${home(b)}/desk`);
  await other.getByText("Read and sign").waitFor();
  await other.getByText("Read and sign").click();
  check(new URL(other.url()).pathname === path, "both sides read the same bytes");
  await other.getByRole("button", { name: "Sign the agreement" }).click();
  await other.getByText("in force").first().waitFor();
  await reloadUntil(page, "Topics are open");
});

const wren = await walk.person("wren");
const marten = await walk.person("marten");
await logIn(wren, a, "wren");
await logIn(marten, a, "marten");
let release, returned;

await walk.step("a drafter lands on the draft, and sees findings while typing", async () => {
  check(new URL(wren.url()).pathname === "/compose", "a drafter lands on compose");
  await wren.getByLabel(/^To whom/).selectOption({ label: `Brevia: ${TOPIC} (Watch over an invented harbour)` });
  const text = wren.getByLabel(/^Objects/);
  await text.fill("{\"type\": \"campaign\"");
  await wren.getByText("This was not done").waitFor();
  await text.fill(envelope(object("Too much for this agreement", RED)));
  await wren.getByText("would be refused").waitFor();
  await wren.getByText("ART-4").waitFor();
  await text.fill(envelope(object("Two boats without lights"), "{\"type\": \"campaign\", \"id\": \"campaign--broken\"}"));
  await wren.getByText("would not be kept").waitFor();
  await wren.getByText("waits for a releaser").waitFor();
  await walk.inspectAll(wren, "compose with findings");
  await walk.shoot(wren, "compose");
});

await walk.step("the releaser's desk shows the draft by itself", async () => {
  await marten.getByText("Live", { exact: true }).waitFor();
  const before = await marten.locator("main").evaluate(() => performance.getEntriesByType("navigation").length);
  await wren.getByLabel(/^Objects/).fill(envelope(object("Two boats without lights"), object("A pier with a new lamp")));
  await wren.getByLabel(/^Note/).fill("Seen from the invented pier \u202e twice");
  await wren.locator("input[value=IMMEDIATE]").check();
  await wren.getByRole("button", { name: "Draft the release" }).click();
  await wren.getByText("waits for a releaser").first().waitFor();
  release = wren.url();
  check(!(await wren.getByRole("button", { name: /^Release to/ }).isVisible()), "a drafter is never the second person");
  await marten.getByText("Release or return").waitFor();
  check(before === await marten.locator("main").evaluate(() => performance.getEntriesByType("navigation").length), "no reload");
});

await walk.step("the second person returns it with a reason, the drafter corrects it", async () => {
  await marten.getByText("Release or return").click();
  await marten.getByText("U+202E").waitFor();
  await walk.inspectAll(marten, "a release that waits");
  await walk.shoot(marten, "release");
  await marten.getByText("Return it instead").click();
  await marten.getByRole("button", { name: /^Return to/ }).click();
  await marten.getByText("a return needs its reason").waitFor();
  await marten.getByLabel("What should the drafter change?").fill("Name the pier");
  await marten.getByRole("button", { name: /^Return to/ }).click();
  await marten.getByText("returned to the drafter").first().waitFor();
  returned = marten.url();
  await wren.goto(`${home(a)}/desk`);
  await wren.getByText("Correct", { exact: true }).first().click();
  await wren.getByText("Name the pier").waitFor();
  await wren.getByRole("button", { name: "Correct and send again" }).click();
  const text = wren.getByLabel(/^Objects/);
  check((await text.inputValue()).includes("Two boats"), "the draft came back");
  await text.fill(envelope(object("Two boats without lights"), object("The north pier with a new lamp")));
  await wren.getByRole("button", { name: "Draft the release" }).click();
  await wren.getByText("waits for a releaser").first().waitFor();
  release = wren.url();
});

await walk.step("it is released by a second person, and B's desk shows it live", async () => {
  const other = operators.b;
  await other.goto(`${home(b)}/desk`);
  await other.getByText("Live", { exact: true }).waitFor();
  await other.waitForTimeout(1200);
  await marten.goto(release);
  await marten.getByRole("button", { name: /^Release to Brevia/ }).click();
  await marten.getByText("has taken it in").waitFor();
  await walk.inspectAll(marten, "a release that was taken in");
  await marten.getByText("Signed receipt").waitFor();
  await other.locator("tbody tr").filter({ hasText: TOPIC }).first().waitFor();
  await other.getByText("Acknowledge").first().waitFor();
  await other.waitForFunction(() => /release, 2 objects, harbour-watch/.test(document.querySelector("#said").textContent), null, { timeout: 8_000 });
});

await walk.step("new rows wait while the pointer is over the list", async () => {
  const other = operators.b;
  await other.locator("tbody tr").nth(3).hover();
  const first = await other.locator("tbody tr").first().getAttribute("id");
  const position = await other.locator(`#${first}`).boundingBox();
  await wren.goto(`${home(a)}/compose`);
  await wren.getByLabel(/^To whom/).selectOption({ label: "Brevia: counter-terrorism (Invented agreement)" });
  await wren.getByLabel(/^Objects/).fill(envelope(object("A kettle that sings")));
  await wren.locator("input[value=FLASH]").check();
  await wren.getByRole("button", { name: "Draft the release" }).click();
  await other.getByText("New rows wait while you are here").waitFor();
  const still = await other.locator(`#${first}`).boundingBox();
  check(position.y === still.y, "nothing moved under the pointer");
  await other.getByRole("button", { name: /^Show \d+ new/ }).click();
  await other.locator("tbody tr").filter({ hasText: "FLASH" }).first().waitFor();
  await other.mouse.move(5, 5);
});

await walk.step("a FLASH is acknowledged with the keyboard alone", async () => {
  const other = operators.b;
  await other.locator("body").click({ position: { x: 2, y: 400 } });
  await other.keyboard.press("?");
  await other.getByRole("heading", { name: "Keys" }).waitFor();
  await walk.inspect(other, "the list of keys");
  await other.keyboard.press("Escape");
  await other.keyboard.press("/");
  check(await other.evaluate(() => document.activeElement.id) === "search", "/ goes to the search");
  await other.keyboard.press("Escape");
  await other.keyboard.press("g");
  await other.keyboard.press("s");
  await other.waitForURL("**/settings");
  await other.keyboard.press("g");
  await other.keyboard.press("d");
  await other.waitForURL("**/desk");
  await other.keyboard.press("j");
  check(await other.evaluate(() => document.activeElement.textContent.includes("FLASH")), "the loudest is first");
  await other.keyboard.press("Enter");
  await other.waitForURL("**/statements/*");
  await walk.inspectAll(other, "a statement that came in");
  for (let tries = 0; tries < 40; tries += 1) {
    await other.keyboard.press("Tab");
    if (await other.evaluate(() => document.activeElement.textContent === "Acknowledge")) break;
  }
  await other.keyboard.press("Enter");
  await other.getByText("Acknowledged", { exact: true }).waitFor();
  // The sender is told, signed.
  await wren.goto(`${home(a)}/statements`);
  await reloadUntil(wren, "acknowledgement for");
  const { statements } = await (await asking(wren, a, "GET", "/api/statements?limit=200")).json();
  const seen = statements.find((one) => one.deliveries.some((delivery) => delivery.acknowledged));
  await wren.goto(`${home(a)}/releases/${seen.release}`);
  await wren.getByText("seen by a person there").waitFor();
  await walk.inspectAll(wren, "a release that a person at the partner has seen");
  await wren.getByRole("link", { name: "Signed acknowledgement" }).click();
  await wren.getByRole("heading", { name: "Acknowledgement from Brevia" }).waitFor();
});

await walk.step("a recall says what it does, is obeyed at B and answered", async () => {
  await marten.goto(release);
  await marten.getByRole("link", { name: "Recall this release" }).click();
  await marten.getByText("This cannot be taken back").waitFor();
  await walk.inspectAll(marten, "a recall");
  await walk.shoot(marten, "recall");
  await marten.getByLabel("Only these items").check();
  await marten.getByLabel("It is factually wrong").check();
  await marten.getByRole("button", { name: /^Recall from/ }).click();
  await marten.getByText("no item is chosen").waitFor();
  check(await marten.getByLabel("It is factually wrong").isChecked(), "the form kept the reason");
  await marten.getByLabel("Only these items").check();
  await marten.getByLabel("Item 0").check();
  await marten.getByRole("button", { name: /^Recall from/ }).click();
  await marten.getByRole("heading", { name: "Recalls" }).waitFor();
  await reloadUntil(marten, "deleted everywhere");
  const tern = await walk.person("tern");
  await logIn(tern, b, "tern");
  check(new URL(tern.url()).pathname === "/collections", "a reader lands on collections");
  await walk.inspectAll(tern, "collections");
  await tern.getByRole("link", { name: `${TOPIC} incoming` }).click();
  await tern.getByText("The north pier").waitFor();
  check(!(await tern.getByText("Two boats").isVisible()), "the recalled object is not shown");
  await tern.getByText("taxii2-client and stix2").click();
  await walk.inspectAll(tern, "a collection");
  await walk.shoot(tern, "collection");
  await tern.getByRole("link", { name: "campaign" }).first().click();
  await walk.inspectAll(tern, "an object");
  await tern.goto(new URL("/statements", tern.url()).href);
  await tern.getByRole("link", { name: /^recall for/ }).first().click();
  await tern.getByRole("heading", { name: "Recall from Aldermoor" }).waitFor();
  await tern.getByText("1 object deleted").waitFor();
  await walk.inspectAll(tern, "a recall as its recipient sees it");
  await tern.context().close();
});

await walk.step("a draft that was returned goes once more as it was", async () => {
  await wren.goto(returned);
  await wren.getByRole("button", { name: "Draft the same again" }).click();
  await wren.waitForURL((url) => url.pathname.startsWith("/releases/") && url.href !== returned);
  await reloadUntil(wren, "waits for a releaser");
  check(await wren.getByText("A pier with a new lamp").isVisible(), "the items are the same");
  await marten.goto(wren.url());
  await marten.getByRole("button", { name: /^Release to Brevia/ }).click();
  await reloadUntil(marten, "has taken it in");
});

await walk.step("what is held apart is looked at, taken in or refused", async () => {
  const other = operators.b;
  await renew(other, b);
  await other.goto(`${home(b)}/partners/aldermoor.example/channel`);
  await other.getByLabel("An object breaks a MUST").selectOption("quarantine");
  await other.getByLabel(/^Exceptions by rule/).fill("104=accept");
  await other.getByRole("button", { name: "Keep this policy" }).click();
  await other.getByText("FND-1").waitFor();
  check((await other.getByLabel(/^Exceptions by rule/).inputValue()) === "104=accept", "what was typed stays");
  await walk.inspectAll(other, "a policy that cannot be kept");
  await other.getByLabel(/^Exceptions by rule/).fill("103=accept");
  await other.getByRole("button", { name: "Keep this policy" }).click();
  await other.waitForURL((url) => url.hash === "#findings-title");
  check((await other.getByLabel("An object breaks a MUST").inputValue()) === "quarantine", "the policy is kept");
  await walk.inspectAll(other, "a partner's policy");
  await walk.shoot(other, "policy");
  const doubtful = (name) => object(name).replace('"name"', '"confidence": 400,\n "name"');
  for (const [name, button, outcome] of [["A lamp of doubtful brightness", "Take in, with findings", "taken in, with findings"], ["A lamp that is none", "Refuse for good", "refused"]]) {
    await wren.goto(`${home(a)}/compose`);
    await wren.getByLabel(/^To whom/).selectOption({ label: "Brevia: counter-terrorism (Invented agreement)" });
    await wren.getByLabel(/^Objects/).fill(envelope(doubtful(name)));
    await wren.getByRole("button", { name: "Draft the release" }).click();
    await reloadUntil(wren, "held apart by the partner");
    await other.goto(`${home(b)}/desk`);
    await other.getByText("Accept or refuse").first().click();
    await other.getByText(name).waitFor();
    await other.getByText("confidence").first().waitFor();
    if (outcome !== "refused") {
      await walk.inspectAll(other, "what is held apart");
      await walk.shoot(other, "held");
    }
    await other.getByLabel(/Item 0/).uncheck();
    await other.getByRole("button", { name: button }).click();
    await other.getByText("HLD-2").waitFor();
    await other.getByLabel(/Item 0/).check();
    await other.getByLabel(/^Reason/).fill("Asked the sender by telephone");
    await other.getByRole("button", { name: button }).click();
    await other.getByText(outcome).first().waitFor();
    await other.getByText("Asked the sender by telephone").waitFor();
    check(!(await other.getByRole("button", { name: button }).isVisible()), "a decision is made once");
    await reloadUntil(wren, outcome === "refused" ? "refused by the partner" : "taken in, with findings");
  }
  await asking(other, b, "PATCH", "/api/partners/aldermoor.example%2Fchannel", { findings: null });
});

await walk.step("an agreement is suspended with a reason that the partner reads, and resumed", async () => {
  const page = operators.a;
  await renew(page, a);
  await page.goto(home(a) + agreement);
  await page.getByRole("link", { name: "Suspend the agreement" }).click();
  await page.getByText("No release passes").waitFor();
  await walk.inspectAll(page, "suspending an agreement");
  await walk.shoot(page, "suspend");
  await page.getByLabel(/^Reason/).fill(" ");
  await page.getByRole("button", { name: "Suspend the agreement" }).click();
  await page.getByText("AGR-8").waitFor();
  await page.getByLabel(/^Reason/).fill("A lamp was seen where none should be");
  await page.getByRole("button", { name: "Suspend the agreement" }).click();
  await page.getByText("suspended").first().waitFor();
  await walk.inspectAll(page, "an agreement that is suspended");
  const other = operators.b;
  await other.goto(home(b) + agreement);
  await reloadUntil(other, "A lamp was seen where none should be");
  check(!(await other.getByRole("link", { name: "Resume the agreement" }).isVisible()), "only who suspended it resumes it");
  await page.getByRole("link", { name: "Resume the agreement" }).click();
  await page.getByLabel(/^Reason/).fill("It was a star");
  await page.getByRole("button", { name: "Resume the agreement" }).click();
  await page.getByText("Topics are open").waitFor();
  await reloadUntil(other, "Topics are open");
});

await walk.step("keys are rotated, and the partner knows which are in force", async () => {
  const page = operators.a;
  await page.goto(`${home(a)}/settings`);
  await page.getByRole("link", { name: "Rotate the keys" }).click();
  await walk.inspectAll(page, "rotating the keys");
  await walk.shoot(page, "keys");
  await page.getByLabel(/^Days/).fill("0");
  await page.getByRole("button", { name: "Rotate the keys" }).click();
  await page.getByText("KEY-9").waitFor();
  await page.getByLabel(/^Days/).fill("90");
  await page.getByRole("button", { name: "Rotate the keys" }).click();
  await page.waitForURL("**/settings");
  await page.getByText(/retired, until nothing/).waitFor();
  await page.goto(`${home(a)}/settings/keys`);
  await page.getByLabel("Yes: revoke them").check();
  await page.getByLabel(/^Last good size/).fill("1");
  await page.getByRole("button", { name: "Rotate the keys" }).click();
  await page.waitForURL("**/settings");
  await page.getByText("revoked").first().waitFor();
  await walk.inspectAll(page, "settings after a rotation");
  const other = operators.b;
  await other.goto(`${home(b)}/partners/aldermoor.example/channel`);
  await reloadUntil(other, "revoked from its entry 1 on");
  await other.getByText("in force").first().waitFor();
  await walk.inspectAll(other, "a partner with several key statements");
});

await walk.step("an overseer lands on counts and clocks, and sees no content", async () => {
  const heron = await walk.person("heron");
  await logIn(heron, b, "heron");
  check(new URL(heron.url()).pathname === "/oversight", "who has no role lands on oversight");
  await heron.getByRole("heading", { name: /^Clocks of the last 30 days/ }).waitFor();
  const said = await heron.locator("main").innerText();
  check(!/lamp|pier|boats/i.test(said), "nothing that was said stands there");
  check(/\b1\b/.test(await heron.getByRole("row").filter({ hasText: "A person acknowledges what" }).innerText()), "the acknowledgement is counted");
  check((await heron.getByRole("navigation", { name: "Pages" }).getByRole("link").count()) <= 7, "at most seven entries");
  await walk.inspectAll(heron, "oversight");
  await walk.shoot(heron, "oversight");
  await heron.context().close();
});

await walk.step("a partner is met by its key statement and verified by its fingerprint", async () => {
  const page = operators.a;
  await page.goto(`${home(a)}/partners`);
  await walk.inspectAll(page, "partners");
  await page.getByLabel(/^Its key statement/).fill("not a key statement");
  await page.getByRole("button", { name: "Meet" }).click();
  await page.getByText("KEY-1").waitFor();
  check(await page.getByLabel(/^Its key statement/).inputValue() === "not a key statement", "the form kept the text");
  await page.getByLabel(/^Its key statement/).fill(readFileSync(statementPath, "utf8"));
  await page.getByRole("button", { name: "Meet" }).click();
  await page.getByRole("button", { name: "Compare and verify" }).waitFor();
  await page.getByLabel(/^As it was read out/).fill("0000 1111");
  await page.getByRole("button", { name: "Compare and verify" }).click();
  await page.getByText("16 groups of 4 digits, 0 to 9").waitFor();
  await page.getByLabel(/^As it was read out/).fill("0000 ".repeat(16));
  await page.getByRole("button", { name: "Compare and verify" }).click();
  await page.getByText("KEY-4").waitFor();
  await walk.inspectAll(page, "a partner");
  await page.getByText("Show what this node holds").click();
  const held = await page.getByLabel("Fingerprint held").innerText();
  await page.getByLabel(/^As it was read out/).fill(held.replace(/\s+/g, "-"));
  await page.getByRole("button", { name: "Compare and verify" }).click();
  await page.getByText("verified").first().waitFor();
  await walk.shoot(page, "partner");
});

await walk.step("an id leads to its page, and no address carries content", async () => {
  const page = operators.a;
  await page.locator("#search").fill(release.split("/").pop());
  await page.locator("#search").press("Enter");
  await page.waitForURL(release);
  await page.locator("#search").fill("campaign--00000000-0000-4000-8000-000000000000");
  await page.locator("#search").press("Enter");
  await page.getByText("Nothing by that id").waitFor();
  check(!page.url().includes("campaign--"), "the search stands in no address");
  await walk.inspectAll(page, "a search without a hit");
  for (const path of ["/releases", "/releases?state=taken-in", "/statements", "/settings"]) {
    await page.goto(home(a) + path);
    await walk.inspectAll(page, path);
  }
});

await walk.step("an address that leads nowhere is a page that says so", async () => {
  const page = operators.a;
  for (const [path, status] of [["/collectionz", 404], ["/releases?state=nonsense", 400], ["/logout", 405]]) {
    const answer = await page.goto(home(a) + path);
    check(answer.status() === status, `${path} answers ${answer.status()}`);
    await walk.inspectAll(page, path);
    await page.getByRole("link", { name: "Back to your first page" }).click();
    await page.waitForURL(home(a) + "/*");
  }
});

await walk.step("without scripts every page reads and every form posts", async () => {
  const page = await walk.person("without scripts", { javaScriptEnabled: false });
  await logIn(page, a, "wren");
  await page.getByLabel(/^To whom/).selectOption({ label: `Brevia: ${TOPIC} (Watch over an invented harbour)` });
  await page.getByLabel(/^Or a file/).setInputFiles({ name: "lamps.json", mimeType: "application/json", buffer: Buffer.from(envelope(object("A lamp without scripts"))) });
  await page.getByRole("button", { name: "Check only" }).click();
  await page.getByText("waits for a releaser").waitFor();
  check((await page.getByLabel(/^Objects/).inputValue()).includes("A lamp without scripts"), "the file stayed as text");
  await page.getByRole("button", { name: "Draft the release" }).click();
  await page.waitForURL("**/releases/*");
  await reloadUntil(page, "waits for a releaser");
  const path = page.url();
  await page.getByRole("button", { name: "Log out" }).click();
  await logIn(page, a, "marten");
  await page.getByText("As of this moment").waitFor();
  await page.getByText("Release or return").first().click();
  check(page.url() === path, "the desk leads to the draft");
  await page.getByRole("button", { name: /^Release to/ }).click();
  await reloadUntil(page, "has taken it in");
  for (const each of ["/desk", "/oversight", "/releases", "/statements", "/compose", "/partners", "/agreements", "/collections", "/settings"]) {
    const answer = await page.goto(home(a) + each);
    check(answer.status() === 200, `${each} answers ${answer.status()}`);
    check(await page.getByRole("heading").first().isVisible() || await page.locator("h1").count() > 0, `${each} has a heading`);
  }
  await page.context().close();
});

await walk.step("a stale form, a stranger and an old session are turned away", async () => {
  const stranger = await walk.person("stranger");
  for (const path of ["/desk", "/releases", "/desk/live", "/accounts", "/collectionz"]) {
    await stranger.goto(home(a) + path);
    check(new URL(stranger.url()).pathname === "/login", `${path} asks to log in`);
  }
  const token = await wren.locator("input[name=csrf]").first().inputValue();
  check(token.length > 20, "every form has a token");
  const forged = await wren.request.post(`${home(a)}/logout`, { form: { csrf: "x".repeat(token.length) } });
  check(forged.status() === 403, `a forged form answers ${forged.status()}`);
  const cookies = await wren.context().cookies();
  check(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), "cookies are HttpOnly and SameSite=Strict");
  const policy = (await wren.request.get(`${home(a)}/desk`)).headers()["content-security-policy"];
  check(policy.includes("script-src 'self'") && !policy.includes("unsafe"), "no inline script");
  await wren.goto(`${home(a)}/accounts`);
  await wren.getByText("administrator").first().waitFor();
  await stranger.context().close();
});

await walk.step("a first page stays below 60 KB compressed", async () => {
  const page = await walk.person("a first visit");
  await logIn(page, a, "marten");
  const assets = ["console.css", "console.js", "mark.svg"];
  const fetched = await Promise.all(assets.map(async (name) => (await page.request.get(`${home(a)}/assets/${name}`)).body()));
  const document = await (await page.request.get(`${home(a)}/desk`)).body();
  const bytes = [document, ...fetched].reduce((sum, body) => sum + gzipSync(body).length, 0);
  console.log(`        the desk with style, script and mark: ${bytes} bytes compressed`);
  check(bytes < 60_000, `${bytes} bytes`);
  await page.context().close();
});

await walk.step("the desks, for the README", async () => {
  await wren.goto(`${home(a)}/compose`);
  await wren.getByLabel(/^To whom/).selectOption({ label: `Brevia: ${TOPIC} (Watch over an invented harbour)` });
  await wren.getByLabel(/^Objects/).fill(envelope(object("A boat that keeps its distance"), object("A second one")));
  await wren.locator("input[value=IMMEDIATE]").check();
  await wren.getByRole("button", { name: "Draft the release" }).click();
  await wren.getByText("waits for a releaser").first().waitFor();
  for (const [name, page, node] of [["desk-aldermoor", marten, a], ["desk-brevia", operators.b, b]]) {
    await page.goto(`${home(node)}/desk`);
    await page.getByText("Live", { exact: true }).waitFor();
    await walk.shoot(page, name);
    await page.emulateMedia({ colorScheme: "dark" });
    await walk.shoot(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await marten.setViewportSize({ width: 400, height: 800 });
  await walk.shoot(marten, "desk-narrow");
});

await walk.step("an agreement is ended for good, on both sides", async () => {
  const page = operators.a;
  await renew(page, a);
  await page.goto(home(a) + agreement);
  await page.getByRole("link", { name: "End the agreement for good" }).click();
  await page.getByText("This cannot be taken back").waitFor();
  await page.getByLabel(/^Reason/).fill("The harbour is closed");
  await page.getByRole("button", { name: "End the agreement for good" }).click();
  await page.getByText("ended", { exact: true }).first().waitFor();
  check(!(await page.getByRole("link", { name: "Resume the agreement" }).isVisible()), "an end is final");
  await operators.b.goto(home(b) + agreement);
  await reloadUntil(operators.b, "The harbour is closed");
});

await walk.end();
