declare const requests: { readonly Fetch: unknown };
export default requests;
