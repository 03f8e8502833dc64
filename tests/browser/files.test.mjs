// Files in the page: attached by button, drop and paste, sent with progress, refused with a reason, shown where they were said.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deflateSync, crc32 } from 'node:zlib';
import { openStage, sizes } from '../lib/browser.mjs';
import { until } from '../lib/until.mjs';

/** A picture that browsers can read: one colour, `side` pixels. */
function png(side, [red, green, blue]) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.concat(Array(side).fill(Buffer.from([red, green, blue])))]);
  const data = deflateSync(Buffer.concat(Array(side).fill(line)));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

describe('files, in a browser', () => {
  let stage;
  let bob;
  let seat;
  let page;
  const cat = { name: 'cat.png', mimeType: 'image/png', buffer: png(640, [180, 90, 40]) };
  const report = { name: 'Bericht é.txt', mimeType: 'text/plain', buffer: Buffer.from('what it says') };
  before(async () => {
    stage = await openStage({ env: { RAG_FILE_MAX_SIZE: '1', RAG_FILE_MAX_COUNT: '4', RAG_ALLOWED_FILE_EXTENSIONS: 'png,txt,bin,md' } });
    bob = await stage.server.user(stage.admin, 'Bob');
    seat = await stage.seat(bob);
    page = seat.page;
  });
  after(() => stage?.close());

  const chips = (where = page) => where.getByRole('list', { name: 'Attached files' }).getByRole('listitem');
  const pick = async (files, where = seat) => {
    const chooser = where.page.waitForEvent('filechooser');
    await where.button('Attach files').click();
    await (await chooser).setFiles(files);
  };
  const sent = async (name, where = page) => where.getByRole('button', { name: `Remove ${name}`, exact: true }).waitFor();
  const filesOf = async (client) => (await client.get('/api/v1/files/user/search', { expect: 200 })).json;
  /** What a drop or a paste carries. */
  const carrying = (files) =>
    page.evaluateHandle((all) => {
      const data = new DataTransfer();
      for (const { name, type, text } of all) data.items.add(new File([text], name, { type }));
      return data;
    }, files);

  it('are chosen, shown in the box, kept over a reload, sent, and shown in the question', async () => {
    await seat.open('/');
    await pick([cat, report]);
    await sent('cat.png');
    await sent(report.name);
    await pick([{ name: 'tone.bin', mimeType: 'audio/mpeg', buffer: Buffer.from('no sound') }]);
    await sent('tone.bin');
    await page.getByText('Models are told its name only').waitFor();
    await seat.button('Remove tone.bin').click();
    await page.getByText('Models are told its name only').waitFor({ state: 'detached' });
    await page.getByText('reading it').waitFor({ state: 'detached' });
    assert.equal(await chips().count(), 2);
    assert.match(await chips().first().locator('img').getAttribute('src'), /^data:image\/webp;base64,/u);
    assert.match(await chips().nth(1).innerText(), /12 B/u);
    await seat.composer.fill('What is this?');
    await seat.assertSound('files in the box');
    await seat.shot('files-box-desk');

    await page.reload();
    await sent('cat.png');
    await sent(report.name);
    assert.equal(await seat.composer.inputValue(), 'What is this?');
    await seat.composer.press('Enter');
    await seat.answered();
    assert.equal(await page.getByRole('list', { name: 'Attached files' }).count(), 0);
    const shown = seat.questions.first();
    await shown.getByRole('img', { name: 'cat.png' }).waitFor();
    await shown.getByRole('link', { name: `Download ${report.name}` }).waitFor();

    // The title is asked for at the same time, in words alone.
    const call = stage.provider.calls.find(({ body }) => Array.isArray(body?.messages?.at(-1)?.content));
    const [text, image] = call.body.messages.at(-1).content;
    assert.equal(image.image_url.url, `data:image/png;base64,${cat.buffer.toString('base64')}`, 'the model is shown the picture as it was sent');
    assert.match(text.text, /^What is this\?\n\n\[Attached file: Bericht é\.txt\]\nwhat it says\n\[End of the attached file\]$/u);

    await page.reload();
    await shown.getByRole('img', { name: 'cat.png' }).waitFor();
    await seat.assertSound('files in a question');
    await seat.shot('files-question-desk');
    const download = page.waitForEvent('download');
    await shown.getByRole('link', { name: `Download ${report.name}` }).click();
    assert.equal((await download).suggestedFilename(), report.name);

    await shown.getByRole('button', { name: 'cat.png' }).click();
    const full = seat.dialog('cat.png').getByRole('img', { name: 'cat.png' });
    await full.waitFor();
    await until(async () => (await full.evaluate((image) => image.naturalWidth)) === 640, { what: 'the whole picture' });
    await seat.assertSound('a picture in full');
    await seat.shot('files-full-desk');
    await page.keyboard.press('Escape');
    await full.waitFor({ state: 'detached' });
  });

  it('go along when a question is sent again in other words, and a later one does not carry them', async () => {
    await seat.questions.first().hover();
    await seat.button('Edit the question', seat.questions.first()).click();
    await page.getByRole('textbox', { name: 'Text' }).fill('And in other words? [[tokens=2]]');
    await seat.button('Send', seat.questions.first()).click();
    await until(() => stage.provider.calls.some(({ body }) => JSON.stringify(body ?? '').includes('And in other words?')), { what: 'the model was asked' });
    await seat.answered();
    await seat.questions.first().getByRole('img', { name: 'cat.png' }).waitFor();
    await seat.ask('Something else [[tokens=2]]');
    await page.reload();
    await seat.answered(2);
    assert.equal(await seat.questions.nth(1).getByRole('listitem').count(), 0);
    const chat = await bob.chat(seat.chatId);
    assert.deepEqual(chat.chat.files.map(({ name }) => name), [report.name], 'documents belong to the chat');
  });

  it('are dropped and pasted, one as the other', async () => {
    await seat.open('/');
    await seat.composer.waitFor();
    const dropped = await carrying([{ name: 'dropped.txt', type: 'text/plain', text: 'x' }, { name: 'second.md', type: 'text/markdown', text: 'y' }]);
    await page.dispatchEvent('main', 'dragover', { dataTransfer: dropped });
    await page.getByText('Drop files here').waitFor();
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped });
    await page.getByText('Drop files here').waitFor({ state: 'detached' });
    await sent('dropped.txt');
    await sent('second.md');
    const paste = (data) => seat.composer.evaluate((area, clipboardData) => void area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })), data);
    await paste(await carrying([{ name: 'pasted.txt', type: 'text/plain', text: 'z' }]));
    await sent('pasted.txt');
    // Cells of a table come as words and as a picture of them.
    const cells = await carrying([{ name: 'cells.png', type: 'image/png', text: 'x' }]);
    await cells.evaluate((data) => data.setData('text/plain', 'a b'));
    await paste(cells);
    assert.equal(await chips().count(), 3);
  });

  it('are removed by the keyboard, which goes on to the next and then to the box; the server forgets them', async () => {
    await page.getByRole('button', { name: 'Remove second.md' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove second.md' }).waitFor({ state: 'detached' });
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    assert.equal(await focused(), 'Remove pasted.txt');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await until(async () => (await focused()) === 'Your message', { what: 'the keyboard in the box' });
    await until(async () => !(await filesOf(bob)).some(({ filename }) => ['second.md', 'pasted.txt', 'dropped.txt'].includes(filename)), { what: 'the server keeps none' });
  });

  it('that are too large or of another kind are refused without being sent, and those beyond the count', async () => {
    let uploads = 0;
    const counting = (request) => (uploads += Number(request.method() === 'POST' && request.url().endsWith('/api/v1/files/')));
    page.on('request', counting);
    await pick([{ name: 'large.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc((1 << 20) + 1) }, { name: 'x.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('x') }]);
    await page.getByRole('alert').filter({ hasText: 'Too large: a file may have 1 MB.' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'Files may end in png, txt, bin, md.' }).waitFor();
    assert.ok(await seat.button('Send').isDisabled(), 'a question does not go without what was to go with it');
    await seat.assertSound('refused files');
    await seat.shot('files-refused-desk');
    await pick(Array.from({ length: 4 }, (_, i) => ({ ...report, name: `${i}.txt` })));
    await page.getByText('4 files at most go with one message; 2 were left out.').waitFor();
    await sent('0.txt');
    await sent('1.txt');
    assert.equal(uploads, 2);
    page.off('request', counting);
    for (const name of ['large.bin', 'x.exe', '0.txt', '1.txt']) await page.getByRole('button', { name: `Remove ${name}` }).click();
  });

  it('tell how far they are, can be called off, and are sent again when the server is back', async () => {
    // Slow enough that its progress can be seen.
    const network = await seat.context.newCDPSession(page);
    await network.send('Network.enable');
    const speed = (uploadThroughput) => network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
    await speed(100_000);
    const slow = { name: 'slow.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1_000_000, 'x') };
    await pick([slow]);
    const bar = page.getByRole('progressbar', { name: 'Sending slow.bin' });
    await until(async () => { const now = Number(await bar.getAttribute('aria-valuenow')); return now > 0 && now < 100; }, { what: 'progress between' });
    await seat.shot('files-sending-desk');
    await page.getByRole('button', { name: 'Cancel slow.bin' }).click();
    await bar.waitFor({ state: 'detached' });
    await speed(-1);
    assert.ok(!(await filesOf(bob)).some(({ filename }) => filename === 'slow.bin'));

    const away = (route) => (route.request().method() === 'POST' ? route.abort('connectionrefused') : route.continue());
    await page.route('**/api/v1/files/', away);
    await pick([report]);
    await page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' }).waitFor();
    await page.unroute('**/api/v1/files/', away);
    await page.getByRole('button', { name: `Send ${report.name} again` }).click();
    await sent(report.name);
  });

  it('a question sent at once waits for its files and goes by itself; files alone are a question too', async () => {
    await page.getByRole('button', { name: `Remove ${report.name}` }).click();
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const later = async (route) => (await held, route.continue());
    await page.route('**/api/v1/files/', later);
    await pick([report]);
    await seat.say('Held back [[tokens=2]]');
    await page.getByText('Your message goes out as soon as its files are there.').waitFor();
    assert.equal(await seat.questions.count(), 0);
    release();
    await seat.answered();
    await seat.questions.first().getByRole('link', { name: `Download ${report.name}` }).waitFor();
    await page.unroute('**/api/v1/files/', later);
    await pick([cat]);
    await sent('cat.png');
    await seat.button('Send').click();
    await seat.answered(2);
    await seat.questions.nth(1).getByRole('img', { name: 'cat.png' }).waitFor();
  });

  it('in temporary chats go to the model as well', async () => {
    await seat.open('/?temporary');
    await pick([cat]);
    await sent('cat.png');
    await seat.ask('Temporary look [[tokens=2]]');
    const call = stage.provider.calls.findLast(({ body }) => JSON.stringify(body ?? '').includes('Temporary look'));
    assert.equal(call.body.messages.at(-1).content[1].image_url.url, `data:image/png;base64,${cat.buffer.toString('base64')}`);
  });

  it('of a shared chat are shown to who may read it, and to nobody after it is unshared', async () => {
    const eve = await stage.server.user(stage.admin, 'Eve');
    await seat.open('/');
    await pick([cat, report]);
    await sent('cat.png');
    await sent(report.name);
    await seat.ask('For others [[tokens=2]]');
    const id = seat.chatId;
    const { json: shared } = await bob.post(`/api/v1/chats/${id}/share`, {}, { expect: 200 });
    await bob.post(`/api/v1/chats/shared/${id}/access/update`, { access_grants: [{ principal_type: 'user', principal_id: eve.user.id, permission: 'read' }] }, { expect: 200 });
    const hers = await stage.seat(eve);
    await hers.page.goto(`${stage.server.url}/s/${shared.share_id}`);
    await hers.page.getByRole('button', { name: 'cat.png' }).click();
    const full = hers.dialog('cat.png').getByRole('img', { name: 'cat.png' });
    await until(async () => (await full.evaluate((image) => image.naturalWidth)) === 640, { what: 'the picture for a reader' });
    await hers.page.keyboard.press('Escape');
    await hers.assertSound('files in a shared chat');
    await hers.shot('files-shared-desk');
    await bob.request('DELETE', `/api/v1/chats/${id}/share`, undefined, { expect: 200 });
    const picture = (await bob.chat(id)).chat.history.messages;
    const { id: file } = Object.values(picture).flatMap(({ files }) => files ?? []).find(({ type }) => type === 'image');
    assert.equal((await hers.page.request.get(`${stage.server.url}/api/v1/files/${file}/content`)).status(), 404);
    // A picture that was read before it was taken away says so where it is opened later.
    await seat.open(`/c/${id}`);
    await bob.request('DELETE', `/api/v1/files/${file}`, undefined, { expect: 200 });
    await seat.button('cat.png').click();
    await page.getByText('This picture is not there any more, or not for you.').waitFor();
    await page.keyboard.press('Escape');
  });

  it('fit on a phone, dark and light', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const phone = await stage.seat(bob, { viewport: sizes.phone, hasTouch: true, colorScheme });
      await phone.open('/');
      await pick([cat, report, { name: `${'a rather long name '.repeat(5)}.txt`, mimeType: 'text/plain', buffer: Buffer.from('x') }, { name: 'x.exe', mimeType: '', buffer: Buffer.from('x') }], phone);
      await sent('cat.png', phone.page);
      await sent(report.name, phone.page);
      await phone.assertSound(`the box, ${colorScheme}`);
      await phone.shot(`files-box-phone-${colorScheme}`);
      await phone.page.getByRole('button', { name: 'Remove x.exe' }).click();
      await phone.ask('On a phone [[tokens=2]]');
      await phone.questions.first().getByRole('img', { name: 'cat.png' }).waitFor();
      await phone.assertSound(`a question, ${colorScheme}`);
      await phone.shot(`files-question-phone-${colorScheme}`);
    }
  });

  it('are bounded by what an administrator says on his page, at once', async () => {
    const admin = await stage.seat(stage.admin);
    await admin.page.goto(`${stage.server.url}/admin/files`);
    const field = (label) => admin.page.getByRole('textbox', { name: label });
    await field('Largest file, in MiB').waitFor();
    assert.equal(await field('Largest file, in MiB').inputValue(), '1');
    assert.equal(await field('Endings that names may have').inputValue(), 'png, txt, bin, md');
    await admin.assertSound("the administrator's page for files");
    await admin.shot('files-admin-desk');
    await field('Largest file, in MiB').fill('many');
    await admin.button('Save').click();
    await admin.page.getByRole('alert').first().waitFor();
    await field('Largest file, in MiB').fill('2');
    await field('Endings that names may have').fill('.PDF, txt');
    await admin.button('Save').click();
    await admin.page.getByText('Saved.').waitFor();
    await admin.page.reload();
    await field('Largest file, in MiB').waitFor();
    assert.equal(await field('Largest file, in MiB').inputValue(), '2');
    assert.equal(await field('Endings that names may have').inputValue(), 'pdf, txt');
    await seat.open('/');
    await pick([{ name: 'large.txt', mimeType: 'text/plain', buffer: Buffer.alloc(1_500_000, 'x') }, { name: 'x.md', mimeType: 'text/markdown', buffer: Buffer.from('x') }]);
    await sent('large.txt');
    await page.getByRole('alert').filter({ hasText: 'Files may end in pdf, txt.' }).waitFor();
  });

  it('are not offered to who may not send any', async () => {
    const { json: permissions } = await stage.admin.get('/api/v1/users/default/permissions', { expect: 200 });
    permissions.chat.file_upload = false;
    await stage.admin.post('/api/v1/users/default/permissions', permissions, { expect: 200 });
    const carl = await stage.server.user(stage.admin, 'Carl');
    const his = await stage.seat(carl);
    await his.open('/');
    await his.composer.waitFor();
    assert.equal(await his.button('Attach files').count(), 0);
  });
});
