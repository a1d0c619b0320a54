// A user's browser, as far as a login needs one: follows redirects with cookies, fills in the forms of
// oidc-provider's development pages, and ends at the wallet's redirect URL.
export async function login(url, name) {
  const jar = new Map();
  const step = async (address, form) => {
    const reply = await fetch(address, {
      redirect: 'manual', method: form ? 'POST' : 'GET', body: form && new URLSearchParams(form),
      headers: { cookie: [...jar].map(([key, value]) => `${key}=${value}`).join('; ') },
    });
    for (const cookie of reply.headers.getSetCookie()) {
      const [key, value] = cookie.split(';')[0].split(/=(.*)/s);
      if (value) jar.set(key, value); else jar.delete(key);
    }
    return reply;
  };
  for (let hops = 0; hops < 12; ++hops) {
    if (url.startsWith('http://localhost:33388/callback')) return new URL(url).searchParams.get('code');
    let reply = await step(url);
    if (reply.status === 200) {
      const page = await reply.text();
      const prompt = page.match(/name="prompt" value="(\w+)"/)?.[1];
      if (!prompt) throw new Error(`no form at ${url}: ${page.slice(0, 200)}`);
      const action = page.match(/<form[^>]* action="([^"]+)"/)[1];
      reply = await step(new URL(action, url), prompt === 'login' ? { prompt, login: name, password: 'x' } : { prompt });
    }
    const next = reply.headers.get('location');
    if (!next) throw new Error(`${reply.status} and no way on from ${url}`);
    url = new URL(next, url).toString();
  }
  throw new Error('the login leads nowhere');
}
