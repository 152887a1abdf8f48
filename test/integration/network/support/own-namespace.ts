/**
 * Import this first: the test file starts itself anew inside a network and a mount namespace of its own, in the same process,
 * so that the reporter still hears it. All that the tests make (interfaces, rules, named namespaces) ends with the process.
 */
const mark = 'VMM_TEST_OWN_NAMESPACE';
if (process.geteuid?.() !== 0) throw new Error('The network tests need root: run them with sudo.');
if (process.env[mark] === undefined) {
  const entry = process.argv[1];
  if (entry === undefined) throw new Error('The test file must be started by its path.');
  const own = ['unshare', '--net', '--mount', '--', process.execPath, ...process.execArgv, entry];
  process.execve?.('/usr/bin/unshare', own, { ...process.env, [mark]: '1' });
}
