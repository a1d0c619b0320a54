// cdk-mintd, imported: see moving.mjs. Environment: CDK = folder of its programs too.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moves, startOld } from './moving.mjs';
import { good, run } from './program.mjs';

const seed = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
moves('cdk-mintd', {
  seed,
  start: async (port, folder) => {
    mkdirSync(folder, { recursive: true });
    const config = join(folder, 'config.toml');
    writeFileSync(config, `[info]
url = "http://127.0.0.1:${port}"
listen_host = "127.0.0.1"
listen_port = ${port}
mnemonic = "env:CDK_MINTD_MNEMONIC"
input_fee_ppk = 100
[info.http_cache]
backend = "memory"
ttl = 0
tti = 0
[database]
engine = "sqlite"
[fake_wallet]
fee_percent = 0.0
reserve_fee_min = 1
min_delay_time = 0
max_delay_time = 0
custom_payment_methods = []
[[payment_backend]]
backend = "fakewallet"
unit = "sat"
`);
    const env = { CDK_MINTD_MNEMONIC: seed };
    const program = join(process.env.CDK, 'cdk-mintd');
    good(await run(program, ['--work-dir', folder, 'config', 'init', '--new-mint', '--file', config], { env }), 'config init');
    return startOld(port, program, ['--work-dir', folder], { cwd: folder, env });
  },
  source: folder => join(folder, 'cdk-mintd.sqlite'),
});
