/** What the probe says of a mysql server that greets and then does not answer, and the accounts it is asked with. */
export const credentials = { username: 'probe', password: 'secret', allowClearText: true };
export const wrong = { username: 'probe', password: 'hunter2', allowClearText: true };

export const held = (how: string) => ({
  kind: 'down',
  reason: 'Timeout',
  message: `no reply to the login: the server hangs, or the connection_control plugin delays it (${how})`,
});

export const unanswered = held('set spec.credentials');
