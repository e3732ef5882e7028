/** Where requests without a route are sent, by listeners and by the router, so that every hook sees them and can shape their answers. */
export const unrouted = { notFound: '/-/not-found', badUrl: '/-/bad-url', tooLong: '/-/too-long' }
